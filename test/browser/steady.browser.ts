// What stays in its place: the tabs of the settings, and the focus when a room is gone.
import { expect, test } from "bun:test";
import { useWorld } from "../world/world.ts";
import { desktop, phone } from "./visit.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

for (const [name, { width, height }] of Object.entries({ desktop, phone })) {
  test(`the tabs of the settings stay in their place when another section is shown, on a ${name}`, async () => {
    const anna = await world.person();
    const { page, close } = await visit(world, browser, { as: anna, viewport: { width, height } });
    await page.getByRole("button", { name: "Your settings" }).click();
    const tabs = page.getByRole("tablist", { name: "Settings" });
    const places = new Set<number | undefined>();
    await tabs.waitFor();
    for (const tab of await tabs.getByRole("tab").all()) {
      await tab.click();
      await page.getByRole("tabpanel", { name: await tab.innerText() }).waitFor();
      places.add((await tabs.boundingBox())?.y);
    }
    expect(places.size).toBe(1);
    await close();
  });
}

test("a person who is removed while writing is told so, and the focus is on the way back", async () => {
  const [anna, ben] = [await world.person(), await world.person()];
  const chat = await anna.chat({ with: [ben] });
  const { page, composer, faults, close } = await visit(world, browser, {
    as: ben,
    chatId: chat.id,
  });
  await composer.fill("I think");
  await anna.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await page.getByRole("alert").filter({ hasText: "This chat is not here" }).waitFor();
  const back = page.getByRole("button", { name: "Back to the chats" });
  await back.and(page.locator(":focus")).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Start a conversation" }).waitFor();
  expect(faults).toEqual([]);
  await close();
});
