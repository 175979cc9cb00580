// Edits and deletions on the page, each seen by somebody else.
import { expect, test } from "bun:test";
import { z } from "zod";
import { Message } from "../../src/wire/messages.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import type { Person } from "../world/world.ts";
import { choose, focused, openMenu, rowWith, usePair, type Visitor } from "./pair.ts";

const pair = usePair();

const tombstone = "This message was deleted";

async function storedIn(chatId: number): Promise<z.infer<typeof Message>[]> {
  const { body } = await pair.anna.api("GET", `/api/chats/${chatId}/messages`);
  return z.array(Message).parse(body);
}

test("the author edits with the keyboard alone, the other sees the new text and the versions", async () => {
  const { annas, bens, leave } = await pair.open();
  await annas.say("A tpyo");
  await rowWith(bens, "A tpyo").waitFor();
  await rowWith(annas, "A tpyo").and(annas.page.locator(":not(.pending)")).waitFor();
  await annas.composer.press("ArrowUp");
  expect(await annas.composer.inputValue()).toBe("A tpyo");
  await annas.page.getByRole("status").filter({ hasText: "Editing your message" }).waitFor();
  await annas.composer.press("Escape");
  expect(await annas.composer.inputValue()).toBe("");

  await annas.composer.press("ArrowUp");
  await annas.composer.fill("A *typo*");
  await annas.composer.press("Enter");
  await focused(annas, annas.composer);
  expect(await annas.composer.inputValue()).toBe("");
  const edited = bens.rows.filter({ has: bens.page.locator("em", { hasText: "typo" }) });
  await edited.getByRole("button", { name: "(edited)" }).click();
  const dialog = bens.page.getByRole("dialog", { name: "Versions of this message" });
  await dialog.getByRole("listitem").nth(1).waitFor();
  expect(await dialog.getByRole("listitem").locator("p").allInnerTexts()).toEqual([
    "A *typo*",
    "A tpyo",
  ]);
  await bens.page.keyboard.press("Escape");
  await focused(bens, edited.getByRole("button", { name: "(edited)" }));
  // The arrow up edits only what the person has written.
  await bens.composer.press("ArrowUp");
  expect(await bens.composer.inputValue()).toBe("");
  await leave();
});

test("an edit that the server refuses says why, and the text is not lost", async () => {
  const { chat, annas, leave } = await pair.open((chatId) => pair.anna.say(chatId, "/bot help"));
  await choose(rowWith(annas, "/bot help"), "Edit");
  await annas.composer.fill("/bot");
  await annas.composer.press("Enter");
  await annas.page.getByRole("alert").filter({ hasText: "The edit was not stored." }).waitFor();
  expect(await annas.composer.inputValue()).toBe("/bot");
  expect((await storedIn(chat.id))[0]?.content).toBe("/bot help");
  await annas.page.getByRole("button", { name: "Cancel the edit" }).click();
  await annas.page.getByRole("button", { name: "Dismiss" }).click();
  await rowWith(annas, "/bot help").waitFor();
  annas.faults.splice(0);
  await leave();
});

test("a deletion can be undone, and then is shown to the other when its time is over", async () => {
  const { chat, annas, bens, leave } = await pair.open((chatId) => pair.anna.say(chatId, "Regret"));
  const row = annas.rows.first();
  await choose(row, "Delete");
  const undo = row.getByRole("button", { name: "Undo" });
  await focused(annas, undo);
  await annas.page.keyboard.press("Enter");
  await focused(annas, row);
  await row.getByText("Regret").waitFor();
  await choose(row, "Delete");
  await undo.waitFor();
  expect((await storedIn(chat.id))[0]?.deleted_at).toBeNull();
  for (const { rows } of [annas, bens]) {
    await rows.first().getByText(tombstone).waitFor();
    // The name of the author is one.
    expect(await rows.first().locator(".text").getByRole("button").count()).toBe(0);
    expect(
      await rows
        .first()
        .getByRole("button", { name: /^(Actions|React)/ })
        .count(),
    ).toBe(0);
  }
  expect((await storedIn(chat.id))[0]?.content).toBe("");
  await leave();
});

test("deletions are sent at once when their room, or the page, is left", async () => {
  const { chat, annas, bens, leave } = await pair.open(async (chatId) => {
    for (const text of ["first", "second", "third"]) await pair.anna.say(chatId, text);
  });
  await choose(rowWith(annas, "first"), "Delete");
  await annas.rows.first().getByRole("button", { name: "Undo" }).waitFor();
  await annas.page.evaluate("location.hash = '#/'");
  await bens.rows.first().getByText(tombstone).waitFor();
  await annas.page.evaluate(`location.hash = '#/chats/${chat.id}'`);
  for (const [place, text] of [
    [1, "second"],
    [2, "third"],
  ] as const) {
    await choose(rowWith(annas, text), "Delete");
    await annas.rows.nth(place).getByRole("button", { name: "Undo" }).waitFor();
  }
  await annas.page.goto(`${pair.world.url}/health`);
  for (const place of [1, 2]) await bens.rows.nth(place).getByText(tombstone).waitFor();
  await leave();
});

test("a deletion is sent at once when the person signs out", async () => {
  const { annas, bens, leave } = await pair.open((chatId) => pair.anna.say(chatId, "Regret"));
  await choose(annas.rows.first(), "Delete");
  await annas.rows.first().getByRole("button", { name: "Undo" }).waitFor();
  await annas.page.getByRole("button", { name: "Sign out" }).click();
  await annas.page.getByRole("button", { name: "Sign in" }).waitFor();
  expect((await storedIn(Number(bens.page.url().split("/").at(-1))))[0]?.content).toBe("");
  await bens.rows.first().getByText(tombstone).waitFor();
  // The refresh token of these visitors is none that the server knows.
  annas.faults.splice(0);
  await leave();
});

test("edits of others are announced when the last one is some seconds old, and own ones are not", async () => {
  const { chat, bens, leave } = await pair.open();
  const [{ id }, { id: own }] = [
    await pair.anna.say(chat.id, "Helo"),
    await pair.ben.say(chat.id, "Oh"),
  ];
  await rowWith(bens, "Oh").waitFor();
  const edit = (person: Person, message: number, content: string) =>
    person.api("PATCH", `/api/chats/${chat.id}/messages/${message}`, { content });
  await edit(pair.ben, own, "Oh!");
  for (const content of ["Hell", "Hello"]) await edit(pair.anna, id, content);
  const news = bens.page.getByRole("log");
  await news.getByText(`Edited: ${pair.anna.username}: Hello`, { exact: true }).waitFor();
  expect(await news.getByText("Edited:").count()).toBe(1);
  await leave();
});

test("pressing the button of an open menu closes it, and the keyboard opens it again at once", async () => {
  const { annas, leave } = await pair.open((chatId) => pair.anna.say(chatId, "Hello"));
  const { page, rows } = annas;
  const chatMenu = page.getByRole("button", { name: "Chat menu" });
  const actions = rows.first().getByRole("button", { name: /^Actions for/ });
  await rows.first().hover();
  for (const button of [chatMenu, actions]) {
    for (const isOpen of [true, false, true]) {
      // People hold a button for a moment, in which the browser closes the menu.
      await button.click({ delay: 100 });
      await button.and(page.locator(`[aria-expanded=${String(isOpen)}]`)).waitFor();
      expect(await page.getByRole("menu").count()).toBe(isOpen ? 1 : 0);
    }
    await page.keyboard.press("Escape");
    await focused(annas, button);
    await page.keyboard.press("Enter");
    await page.getByRole("menu").waitFor();
    // The keyboard opens it again before the browser has told that it is closed.
    await page.evaluate(
      "document.querySelector('[popover]').hidePopover(); document.activeElement.click();",
    );
    await page.getByRole("menuitem").first().and(page.locator(":focus")).waitFor();
    await page.keyboard.press("Escape");
  }
  await leave();
});

test("the menu offers what a person may do: to the author, the owner, and whoever asked", async () => {
  pair.world.gemini.respondWith(answer(say("Because."), finish()));
  const { annas, bens, leave } = await pair.open(async (chatId) => {
    await pair.ben.say(chatId, "/bot why?");
    await pair.anna.say(chatId, "Of Anna");
  });
  const offered = async (visitor: Visitor, text: string) => {
    const labels = await (await openMenu(rowWith(visitor, text))).allInnerTexts();
    await visitor.page.keyboard.press("Escape");
    return labels.join();
  };
  await bens.rows.nth(1).getByRole("button", { name: "Ask again" }).waitFor();
  await annas.rows.nth(1).getByRole("button", { name: "Ask again" }).waitFor();
  expect(await offered(annas, "Of Anna")).toBe("Reply,React,Ask Gemini,Edit,Delete");
  expect(await offered(annas, "why?")).toBe("Reply,React,Ask Gemini,Report,Delete,Profile");
  expect(await offered(annas, "Because.")).toBe("Reply,React,Ask Gemini,Report,Delete");
  expect(await offered(bens, "Of Anna")).toBe("Reply,React,Ask Gemini,Report,Profile");
  expect(await offered(bens, "why?")).toBe("Reply,React,Ask Gemini,Edit,Delete");
  expect(await offered(bens, "Because.")).toBe("Reply,React,Ask Gemini,Report,Delete");
  await leave();
});
