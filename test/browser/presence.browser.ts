// Presence, ticks for read messages, and the settings for both.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld({ durations: { presenceHoldMs: 50, receiptsMs: 20 } });

const listOf = (page: Page) =>
  page.getByRole("navigation", { name: "Chats" }).getByRole("listitem");
const headOf = (page: Page) => page.getByRole("main").locator("> header");

async function twoPeople(more: Record<string, unknown> = {}) {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const chat = await anna.chat({ with: [ben], name: "Physics", ...more });
  return { anna, ben, chat };
}

async function changeSettings(
  page: Page,
  change: (dialog: ReturnType<Page["getByRole"]>) => Promise<void>,
) {
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: "Privacy" }).click();
  await change(dialog);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Saved.").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
}

test("a private chat shows in the list and in its head that the other person is online, away, and gone", async () => {
  const { anna, ben, chat } = await twoPeople({ is_group: false, name: undefined });
  // The list has the owner's id only: the owner's page requests the other person.
  for (const [person, other] of [
    [anna, ben],
    [ben, anna],
  ] as const) {
    const visitor = await visit(world, browser, { as: person, chatId: chat.id });
    const dots = [listOf(visitor.page).first(), headOf(visitor.page)].map((part) =>
      part.locator(".presence"),
    );
    const socket = await other.socket();
    for (const dot of dots) await dot.getByText("online", { exact: true }).waitFor();
    socket.send({ type: "presence", status: "away" });
    for (const dot of dots) await dot.getByText("away", { exact: true }).waitFor();
    socket.close();
    for (const dot of dots) await dot.getByText(/^offline, last seen today at /).waitFor();
    await headOf(visitor.page)
      .locator(".here")
      .getByText(/^last seen today at /)
      .waitFor();
    expect(visitor.faults).toEqual([]);
    await visitor.close();
  }
});

test("the people of a group have their presence beside their names, and the reader has none", async () => {
  const { anna, ben, chat } = await twoPeople();
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  await annas.page.getByRole("button", { name: /^People/ }).click();
  const people = annas.page.getByRole("dialog", { name: "People" }).getByRole("listitem");
  await people.filter({ hasText: ben.username }).getByText("offline").waitFor();
  const bens = await visit(world, browser, { as: ben });
  await people.filter({ hasText: ben.username }).getByText("online", { exact: true }).waitFor();
  expect(await people.filter({ hasText: anna.username }).locator(".presence").count()).toBe(0);
  expect([...annas.faults, ...bens.faults]).toEqual([]);
  await annas.close();
  await bens.close();
});

test("somebody without input for ten minutes is away, and online again with the next key", async () => {
  const { anna, ben, chat } = await twoPeople();
  const bens = await visit(world, browser, { as: ben });
  await bens.page.clock.install();
  await bens.page.reload();
  await bens.page.getByText("Live").first().waitFor();
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  await annas.page.getByRole("button", { name: /^People/ }).click();
  const person = annas.page.getByRole("listitem").filter({ hasText: ben.username });
  await person.getByText("online", { exact: true }).waitFor();
  await bens.page.clock.fastForward("10:20");
  await person.getByText("away", { exact: true }).waitFor();
  await bens.page.keyboard.press("Shift");
  await person.getByText("online", { exact: true }).waitFor();
  await annas.close();
  await bens.close();
});

test("somebody who is invisible appears offline, and still sees the others", async () => {
  const { anna, ben, chat } = await twoPeople();
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  const dotIn = async (page: Page, username: string) => {
    await page.getByRole("button", { name: /^People/ }).click();
    return page.getByRole("listitem").filter({ hasText: username }).locator(".presence");
  };
  const bensDot = await dotIn(annas.page, ben.username);
  await bensDot.getByText("online", { exact: true }).waitFor();
  await changeSettings(bens.page, (dialog) =>
    dialog.getByLabel("Show when you are online").uncheck(),
  );
  await bensDot.getByText("offline").waitFor();
  const annasDot = await dotIn(bens.page, anna.username);
  await annasDot.getByText("online", { exact: true }).waitFor();
  await bens.page.keyboard.press("Escape");
  // The dialog shows what was chosen.
  await bens.page.getByRole("button", { name: "Your settings" }).click();
  await bens.page.getByRole("tab", { name: "Privacy" }).click();
  expect(await bens.page.getByLabel("Show when you are online").isChecked()).toBe(false);
  expect(await bens.page.getByLabel("Read receipts").isChecked()).toBe(true);
  expect([...annas.faults, ...bens.faults]).toEqual([]);
  await annas.close();
  await bens.close();
});

test("an own message says who has read it, and lists them with times, by the keyboard alone", async () => {
  const { anna, ben, chat } = await twoPeople();
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  await annas.say("First");
  await annas.say("Second");
  const ticks = annas.page.locator("button.ticks");
  await ticks.getByText("Sent").waitFor();
  // Both messages have the same readers, so that only the newest one shows them.
  expect(await ticks.count()).toBe(1);
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  await annas.page.getByRole("button", { name: `Read by ${ben.username}` }).waitFor();
  expect(await ticks.getAttribute("title")).toBe(`Read by ${ben.username}`);
  expect(await bens.page.locator("button.ticks").count()).toBe(0);

  await bens.page.getByRole("navigation").waitFor();
  await ticks.focus();
  await annas.page.keyboard.press("Enter");
  const dialog = annas.page.getByRole("dialog", { name: "Read by" });
  await dialog.getByRole("listitem").filter({ hasText: ben.username }).locator("time").waitFor();
  await annas.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await ticks.and(annas.page.locator(":focus")).waitFor();

  // A person who leaves the room has read the messages up to then, and none of the later ones.
  await bens.page.goto(`${world.url}/#/`);
  await annas.say("Third");
  await annas.rows
    .filter({ hasText: "Third" })
    .getByRole("button", { name: /^Sent$/ })
    .waitFor();
  await annas.rows
    .filter({ hasText: "Second" })
    .getByRole("button", { name: `Read by ${ben.username}` })
    .waitFor();
  expect([...annas.faults, ...bens.faults]).toEqual([]);
  await annas.close();
  await bens.close();
});

test("without read receipts nobody sees what somebody has read, and they see it of nobody, until they want them again", async () => {
  const { anna, ben, chat } = await twoPeople();
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  await changeSettings(bens.page, (dialog) => dialog.getByLabel("Read receipts").uncheck());
  await bens.page.getByText("Live").first().waitFor();
  await annas.say("Seen?");
  await bens.rows.filter({ hasText: "Seen?" }).waitFor();
  await bens.say("Yes");
  await annas.rows.filter({ hasText: "Yes" }).waitFor();
  // Both pages have stored how far they have read.
  for (const person of [anna, ben]) {
    while ((await person.api("GET", "/api/chats")).body[0].unread_count > 0);
  }
  for (const { page, rows } of [annas, bens]) {
    await rows.filter({ has: page.locator("button.ticks") }).waitFor();
    expect(await page.locator("button.ticks").innerText()).toContain("Sent");
  }
  await bens.page.locator("button.ticks").click();
  await bens.page.getByRole("dialog").getByText("Nobody has read it yet").waitFor();
  await bens.page.keyboard.press("Escape");
  await changeSettings(bens.page, (dialog) => dialog.getByLabel("Read receipts").check());
  await bens.page.getByRole("button", { name: `Read by ${anna.username}` }).waitFor();
  expect([...annas.faults, ...bens.faults]).toEqual([]);
  await annas.close();
  await bens.close();
});

test("in a room above 100 people the readers are shown on request", async () => {
  const { anna, ben, chat } = await twoPeople();
  await world.sql`
    with people as (
      insert into users (username, email, hashed_password)
      select 'crowd-' || n, 'crowd-' || n || '@example.com', 'none' from generate_series(1, 99) n
      returning id
    )
    insert into chat_participants (chat_id, user_id) select ${chat.id}, id from people
  `;
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  await annas.say("All of you");
  const ticks = annas.page.getByRole("button", { name: "Sent. Show who has read it" });
  await ticks.waitFor();
  await ben.api("POST", `/api/chats/${chat.id}/mark-read`, {});
  await ticks.click();
  const dialog = annas.page.getByRole("dialog", { name: "Read by" });
  await dialog.getByRole("listitem").filter({ hasText: ben.username }).waitFor();
  expect(annas.faults).toEqual([]);
  await annas.close();
});
