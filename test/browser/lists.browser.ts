// The list of chats and the headings of days; dialogs that are opened again at once.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { answer, finish, say } from "../world/gemini/script.ts";
import { gateway } from "../answers/asking.ts";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

const listOf = (page: Page) =>
  page.getByRole("navigation", { name: "Chats" }).getByRole("listitem");

test("days are calendar days, also where the clocks were turned back in between", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Days" });
  const times = ["10-31T23:30-04", "11-01T00:10-04", "11-01T01:30-05", "11-01T23:50-05"];
  for (const time of times) {
    const { id } = await anna.say(chat.id, time);
    await world.sql`update messages set created_at = ${`2026-${time}:00`} where id = ${id}`;
  }
  const { page, rows, faults, close } = await visit(world, browser, {
    as: anna,
    chatId: chat.id,
    timezoneId: "America/New_York",
    locale: "en-US",
  });
  await page.clock.setFixedTime("2026-11-02T09:00:00-05:00");
  await page.reload();
  await rows.nth(3).waitFor();
  expect(await page.locator("li.day").allInnerTexts()).toEqual(["Saturday", "Yesterday"]);
  await listOf(page).filter({ hasText: "Yesterday" }).waitFor();
  expect(faults).toEqual([]);
  await close();
});

/** Closes a dialog and opens it again in one task, and waits until the browser has told of all of it. */
const closeAndOpen = (closer: string, opener: string) => `(async () => {
  document.querySelector("dialog[open] ${closer}").click();
  const openers = [...document.querySelectorAll("button")];
  openers.find((each) => (each.ariaLabel ?? each.textContent).startsWith("${opener}")).click();
  for (let frame = 0; frame < 5; frame += 1) await new Promise(requestAnimationFrame);
})()`;

test("a dialog that is opened again in the moment in which it closes stays open", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Dialogs" });
  const { page, faults, close } = await visit(world, browser, { as: anna, chatId: chat.id });
  const dialogs: [opener: string, dialog: string][] = [
    ["New chat", "New chat"],
    ["People", "People"],
    ["Chat settings", "Chat settings"],
  ];
  for (const [opener, title] of dialogs) {
    const button = page.getByRole("button", { name: opener }).first();
    await button.click();
    const dialog = page.getByRole("dialog", { name: title });
    await dialog.waitFor();
    for (const closer of ["button[aria-label=Close]", "footer button"]) {
      await page.evaluate(closeAndOpen(closer, opener));
      expect([title, closer, await dialog.isVisible()]).toEqual([title, closer, true]);
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }
  expect(faults).toEqual([]);
  await close();
});

test("the list's preview of the open chat follows an answer to its end, and what is said and deleted after it", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Preview" });
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const preview = listOf(visitor.page).first().locator(".last");
  const end = gateway();
  world.gemini.respondWith(answer(say("Because "), end.step, say("it scatters."), finish()));
  await visitor.say("/bot why?");
  await preview.getByText("No text").waitFor();
  end.open();
  await preview.getByText("Because it scatters.").waitFor();
  await visitor.say("Thanks");
  await preview.getByText("Thanks").waitFor();
  const path = `/api/chats/${chat.id}/messages`;
  const { body: messages } = await anna.api("GET", path);
  await anna.api("DELETE", `${path}/${messages.at(-1).id}`);
  await preview.getByText("No text").waitFor();
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("two people who open a private chat with each other come to the same one, under the other's name", async () => {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const people = [
    [anna, ben],
    [ben, anna],
  ] as const;
  const visitors = [];
  for (const [person, other] of people) {
    const visitor = await visit(world, browser, { as: person });
    visitors.push(visitor);
    const { page } = visitor;
    await page.getByRole("button", { name: "New chat" }).first().click();
    const dialog = page.getByRole("dialog", { name: "New chat" });
    await dialog.getByRole("radio", { name: "Private" }).check();
    await dialog.getByRole("combobox", { name: "With whom" }).fill(other.username);
    await dialog.getByRole("button", { name: "Create chat" }).click();
    await page.getByRole("heading", { name: other.username }).waitFor();
    await listOf(page).filter({ hasText: other.username }).waitFor();
    expect(await listOf(page).count()).toBe(1);
  }
  // Another change of the chat leaves it unnamed.
  const [annas, bens] = visitors;
  await annas?.page.getByRole("button", { name: "Chat settings" }).click();
  await annas?.page.getByLabel("Who Gemini is here").fill("A pirate");
  await annas?.page.getByRole("button", { name: "Save" }).click();
  await annas?.page.getByRole("dialog").waitFor({ state: "detached" });
  await bens?.say("Hello!");
  await annas?.rows.filter({ hasText: "Hello!" }).waitFor();
  await annas?.page.getByRole("heading", { name: ben.username, exact: true }).waitFor();
  await bens?.page.getByRole("heading", { name: anna.username, exact: true }).waitFor();
  for (const visitor of visitors) {
    expect(visitor.faults).toEqual([]);
    await visitor.close();
  }
});

test("a rename, and what is read elsewhere, reach a page that has not opened the chat", async () => {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const chat = await anna.chat({ name: "Before", with: [ben] });
  const visitor = await visit(world, browser, { as: ben });
  await visitor.page.getByText("Live").first().waitFor();
  const list = listOf(visitor.page);
  await anna.say(chat.id, "Are you there?");
  await list.filter({ hasText: "Before" }).getByText("1 unread").waitFor();
  await ben.api("POST", `/api/chats/${chat.id}/mark-read`, {});
  await list.filter({ hasText: "Before" }).getByText("unread").waitFor({ state: "detached" });
  await anna.api("PATCH", `/api/chats/${chat.id}`, { name: "After" });
  await list.filter({ hasText: "After" }).waitFor();
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});
