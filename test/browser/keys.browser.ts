// Access keys and bots in the settings of the page.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

const openSettings = async (page: Page, section: string) => {
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: section }).click();
  return dialog.getByRole("tabpanel", { name: section });
};

const asKey = (key: string) => (method: string, path: string, body?: unknown) =>
  world.call(method, path, body, { authorization: `Bearer ${key}` });

test("a key is created for a chat, shown once, works, and is revoked", async () => {
  const anna = await world.person("anna");
  const inside = await anna.chat({ name: "Physics" });
  const outside = await anna.chat({ name: "Optics" });
  const visitor = await visit(world, browser, { as: anna });
  const { page } = visitor;
  const panel = await openSettings(page, "Access keys");
  await panel.getByText("You have no access keys.").waitFor();
  const form = panel.getByRole("form", { name: "New access key" });
  await form.getByLabel("Name of the key").fill("Build results");
  await form.getByRole("button", { name: "Create key" }).click();
  await form.getByText("must name at least one scope").waitFor();
  await form.getByLabel(/messages:write/).check();
  await form.getByText("Only in some chats").click();
  await form.getByLabel("Physics").check();
  await form.getByRole("button", { name: "Create key" }).click();
  const key = await panel.getByLabel(/The key “Build results”/).inputValue();
  const say = (chatId: number) =>
    asKey(key)("POST", `/api/chats/${chatId}/messages`, { content: "Built." });
  expect((await say(inside.id)).status).toBe(200);
  expect((await say(outside.id)).status).toBe(404);
  const listed = panel.getByRole("list", { name: "Your access keys" });
  await listed.getByText(/messages:write; 1 chat; expires/).waitFor();

  await page.keyboard.press("Escape");
  await openSettings(page, "Access keys");
  await listed.getByText(/Last used .* from 127\.0\.0\.1/).waitFor();
  expect(await page.content()).not.toContain(key);
  await panel.getByRole("button", { name: "Revoke the key Build results" }).click();
  await panel.getByRole("button", { name: "Revoke: really? the key Build results" }).click();
  await panel.getByText("The key is revoked.").waitFor();
  await panel.getByText("You have no access keys.").waitFor();
  expect((await say(inside.id)).status).toBe(401);
  // The browser's own words about the refused form.
  expect(visitor.faults.filter((fault) => !fault.includes("422"))).toEqual([]);
  await visitor.close();
});

test("a bot is created, gets a key, is shown as a bot, and is deleted", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Physics" });
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page } = visitor;
  const panel = await openSettings(page, "Bots");
  await panel.getByText("You have no bots.").waitFor();
  await panel.getByLabel("Username").fill("build_bot");
  await panel.getByRole("button", { name: "Create bot" }).click();
  const bot = panel.getByRole("region", { name: "build_bot" });
  await bot.getByText("New access key").click();
  const form = bot.getByRole("form", { name: "New access key of build_bot" });
  await form.getByLabel("Name of the key").fill("CI");
  await form.getByLabel(/messages:write/).check();
  await form.getByRole("button", { name: "Create key" }).click();
  const key = await bot.getByLabel(/The key “CI”/).inputValue();
  await bot
    .getByRole("list", { name: "Access keys of build_bot" })
    .getByText("Never used")
    .waitFor();
  await anna.api("POST", `/api/chats/${chat.id}/invite`, { username: "build_bot" });
  await asKey(key)("POST", `/api/chats/${chat.id}/messages`, { content: "/bot All green" });
  await page.keyboard.press("Escape");
  const row = visitor.rows.filter({ hasText: "All green" });
  await row.getByRole("button", { name: "build_bot", exact: true }).click();
  await page.getByRole("dialog", { name: "build_bot" }).getByText("· Bot").waitFor();
  await page.keyboard.press("Escape");

  await openSettings(page, "Bots");
  await bot.getByRole("button", { name: "Delete the bot build_bot" }).click();
  await bot.getByRole("button", { name: "Delete: really? the bot build_bot" }).click();
  await panel.getByText("You have no bots.").waitFor();
  expect(world.gemini.requests).toHaveLength(0);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});
