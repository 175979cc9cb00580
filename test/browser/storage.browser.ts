// The page in a browser that stores nothing: because its person does not allow it, or because its storage is full.
import { expect, test } from "bun:test";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();
const password = "correct horse";

const forbidden = `
  for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, {
      get() { throw new DOMException("The person does not allow it.", "SecurityError"); },
    });
  }
`;
const full = `
  for (let size = 2 ** 20; size >= 1; size /= 2) {
    try {
      for (;;) localStorage.setItem("other-" + localStorage.length, "x".repeat(size));
    } catch {}
  }
`;

for (const [name, script] of [
  ["is not allowed", forbidden],
  ["is full", full],
] as const) {
  test(`a person signs in, writes and signs out where storage ${name}`, async () => {
    const username = script === full ? "fay" : "fred";
    const email = `${username}@example.com`;
    await world.call("POST", "/api/auth/register", { username, email, password });
    const visitor = await visit(world, browser);
    const { page, composer, rows, faults, close } = visitor;
    await page.addInitScript(script);
    await page.reload();
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "New chat" }).first().click();
    const dialog = page.getByRole("dialog", { name: "New chat" });
    await dialog.getByRole("radio", { name: "Group" }).check();
    await dialog.getByRole("textbox", { name: "Name" }).fill("Nothing stays");
    await dialog.getByRole("button", { name: "Create" }).click();
    await composer.waitFor();
    await visitor.say("Hello");
    await rows.filter({ hasText: "Hello" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    expect(faults).toEqual([]);
    await close();
  });
}
