// Unread messages: the line above them, the way to the newest message, badges, muted and pinned chats.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld({ durations: { receiptsMs: 20 } });

const listOf = (page: Page) =>
  page.getByRole("navigation", { name: "Chats" }).getByRole("listitem");

async function untilTitled(page: Page, title: string) {
  while ((await page.title()) !== title) await page.evaluate("new Promise(requestAnimationFrame)");
}

/** The rows and the line of a room in their order, by their texts. */
async function orderIn(page: Page): Promise<string[]> {
  const texts = await page.locator("li.row .text, li.new-line").allInnerTexts();
  return texts.map((text) => text.trim());
}

/** Tells a page that its window has lost or got the focus, as the browser would; Playwright's pages always have it. */
const focusing = (hasFocus: boolean) => `(() => {
  document.hasFocus = () => ${hasFocus};
  dispatchEvent(new Event("${hasFocus ? "focus" : "blur"}"));
})()`;

async function twoPeople() {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const chat = await anna.chat({ with: [ben], name: "Physics" });
  return { anna, ben, chat };
}

test("a room opens where the reader left off, and tells how many new messages are below", async () => {
  const { anna, ben, chat } = await twoPeople();
  await anna.say(chat.id, "Read already");
  await ben.api("POST", `/api/chats/${chat.id}/mark-read`, {});
  await ben.say(chat.id, "My own");
  for (let number = 1; number <= 40; number += 1) await anna.say(chat.id, `news ${number}.`);
  const { page, rows, faults, close } = await visit(world, browser, { as: ben, chatId: chat.id });
  const line = page.getByText("New messages", { exact: true });
  await line.waitFor();
  expect((await orderIn(page)).slice(0, 4)).toEqual([
    "Read already",
    "My own",
    "New messages",
    "news 1.",
  ]);
  expect((await line.boundingBox())?.y).toBeGreaterThan(0);
  const unread = async () => (await ben.api("GET", "/api/chats")).body[0].unread_count;
  const newest = page.getByRole("button", { name: /^Newest/ });
  expect(await newest.innerText()).toContain("40");
  await untilTitled(page, "(40) Gemini Coop");
  expect(await unread()).toBe(40);
  await anna.say(chat.id, "news 41.");
  await newest.getByText("41").waitFor();

  await newest.click();
  await newest.waitFor({ state: "detached" });
  await rows.filter({ hasText: "news 41." }).waitFor();
  while ((await unread()) > 0);
  await untilTitled(page, "Gemini Coop");
  expect(faults).toEqual([]);
  await close();
});

test("messages that come while the window has no focus stay unread, below a line, until the person is back and answers", async () => {
  const { anna, ben, chat } = await twoPeople();
  await anna.say(chat.id, "Seen");
  await ben.api("POST", `/api/chats/${chat.id}/mark-read`, {});
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  const { page } = bens;
  await bens.rows.filter({ hasText: "Seen" }).waitFor();
  const unread = async () => (await ben.api("GET", "/api/chats")).body[0].unread_count;
  expect(await orderIn(page)).toEqual(["Seen"]);

  await page.evaluate(focusing(false));
  await anna.say(chat.id, "Unseen");
  await anna.say(chat.id, "Neither");
  await untilTitled(page, "(2) Gemini Coop");
  expect(await orderIn(page)).toEqual(["Seen", "New messages", "Unseen", "Neither"]);
  expect(await unread()).toBe(2);
  await page.evaluate(focusing(true));
  await untilTitled(page, "Gemini Coop");
  while ((await unread()) > 0);
  expect(await orderIn(page)).toEqual(["Seen", "New messages", "Unseen", "Neither"]);
  await bens.say("I am back");
  await bens.rows.filter({ hasText: "I am back" }).waitFor();
  expect(await orderIn(page)).toEqual(["Seen", "Unseen", "Neither", "I am back"]);
  expect(bens.faults).toEqual([]);
  await bens.close();
});

test("what the person reads in another browser is read in this one, too", async () => {
  const { anna, ben, chat } = await twoPeople();
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  await bens.page.evaluate(focusing(false));
  await anna.say(chat.id, "Anybody?");
  await untilTitled(bens.page, "(1) Gemini Coop");
  const second = await visit(world, browser, { as: ben, chatId: chat.id });
  await untilTitled(bens.page, "Gemini Coop");
  expect([...bens.faults, ...second.faults]).toEqual([]);
  await bens.close();
  await second.close();
});

/** Opens the chat's menu with the keyboard, and chooses an item with the arrow keys. */
async function choose(page: Page, label: RegExp) {
  await page.getByRole("button", { name: "Chat menu" }).focus();
  await page.keyboard.press("Enter");
  const menu = page.getByRole("menu", { name: "Chat menu" });
  const items = await menu.getByRole("menuitem").allInnerTexts();
  const index = items.findIndex((item) => label.test(item));
  expect(index).toBeGreaterThanOrEqual(0);
  for (let step = 0; step < index; step += 1) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await menu.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Chat menu" }).and(page.locator(":focus")).waitFor();
}

test("the keyboard pins a chat to the top and mutes it, in all of the person's browsers", async () => {
  const { anna, ben, chat } = await twoPeople();
  const newer = await anna.chat({ with: [ben], name: "Newer" });
  await anna.say(newer.id, "Up here");
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  const second = await visit(world, browser, { as: ben });
  await listOf(second.page).first().filter({ hasText: "Newer" }).waitFor();
  await choose(bens.page, /^Pin/);
  await choose(bens.page, /^Mute for ever/);
  for (const { page } of [bens, second]) {
    await listOf(page).first().filter({ hasText: "Physics" }).getByText("pinned muted").waitFor();
  }
  await bens.page.goto(`${world.url}/#/`);
  await anna.say(chat.id, "Quiet");
  await listOf(second.page).first().getByText("1 unread").waitFor();
  // The muted chat's messages are not counted.
  await untilTitled(second.page, "(1) Gemini Coop");
  await bens.page.goto(`${world.url}/#/chats/${chat.id}`);
  // A room that opens takes the focus.
  await bens.composer.and(bens.page.locator(":focus")).waitFor();
  await choose(bens.page, /^Unmute/);
  await choose(bens.page, /^Unpin/);
  for (const { page } of [bens, second]) {
    await listOf(page).getByText("pinned").waitFor({ state: "detached" });
    await listOf(page).getByText("muted").waitFor({ state: "detached" });
  }
  const items = bens.page.getByRole("menu");
  await bens.page.getByRole("button", { name: "Chat menu" }).click();
  await items.waitFor();
  await bens.page.keyboard.press("Escape");
  await items.waitFor({ state: "detached" });
  expect([...bens.faults, ...second.faults]).toEqual([]);
  await bens.close();
  await second.close();
});

test("a chat is muted until its time, and then counted again without a reload", async () => {
  const { anna, ben, chat } = await twoPeople();
  await anna.say(chat.id, "Later");
  const until = new Date(Date.now() + 60 * 60_000).toISOString();
  await ben.api("PUT", `/api/chats/${chat.id}/preferences`, { muted_until: until });
  const { page, close } = await visit(world, browser, { as: ben });
  await page.clock.install();
  await page.reload();
  await listOf(page).getByText("muted").waitFor();
  expect(await page.title()).toBe("Gemini Coop");
  await page.clock.fastForward("01:00:40");
  await untilTitled(page, "(1) Gemini Coop");
  await listOf(page).getByText("muted").waitFor({ state: "detached" });
  await close();
});

test("a preference that the server refuses is told in the menu", async () => {
  const { ben, chat } = await twoPeople();
  const { page, close } = await visit(world, browser, { as: ben, chatId: chat.id });
  await page.route("**/preferences", (route) =>
    route.fulfill({
      status: 429,
      contentType: "application/problem+json",
      body: JSON.stringify({ type: "/problems/rate_limited", status: 429, detail: "Not so fast." }),
    }),
  );
  await page.getByRole("button", { name: "Chat menu" }).click();
  await page.getByRole("menuitem", { name: "Pin to the top" }).click();
  await page.getByRole("alert").getByText("Not so fast.").waitFor();
  expect(await listOf(page).getByText("pinned").count()).toBe(0);
  await close();
});
