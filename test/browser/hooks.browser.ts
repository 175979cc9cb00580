// Incoming webhooks in the settings of a chat.
import { expect, test } from "bun:test";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

test("the owner creates an address, sees it once, and revokes it; its messages are shown under its name", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Physics" });
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page } = visitor;
  await page.getByRole("button", { name: "Chat settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Chat settings" });
  await dialog.getByText("Incoming webhooks").click();
  await dialog.getByText("This chat has no incoming webhooks.").waitFor();
  const form = dialog.getByRole("form", { name: "New incoming webhook" });
  await form.getByLabel("Name of the webhook").fill("Build results");
  await form.getByRole("button", { name: "Create webhook" }).click();
  const url = await dialog.getByLabel(/The address “Build results”/).inputValue();
  const post = async () => {
    const response = await fetch(world.url + new URL(url).pathname, {
      method: "POST",
      body: JSON.stringify({ text: "All *green*" }),
      headers: { "content-type": "application/json" },
    });
    await response.body?.cancel();
    return response.status;
  };
  expect(await post()).toBe(200);
  await page.keyboard.press("Escape");
  const row = visitor.rows.filter({ hasText: "All green" });
  await row.getByRole("button", { name: /^Build-results/ }).click();
  const card = page.getByRole("dialog", { name: "Build results" });
  await card.getByText("· Bot").waitFor();
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Chat settings" }).click();
  await dialog.getByText("Incoming webhooks").click();
  const list = dialog.getByRole("list", { name: "Incoming webhooks of this chat" });
  await list.getByText(/last used/).waitFor();
  expect(await page.content()).not.toContain(url);
  await list.getByRole("button", { name: "Revoke the webhook Build results" }).click();
  await list.getByRole("button", { name: "Revoke: really? the webhook Build results" }).click();
  await dialog.getByText("The webhook is revoked.").waitFor();
  await dialog.getByText("This chat has no incoming webhooks.").waitFor();
  expect(await post()).toBe(404);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});
