// Edits and deletions on the page, each seen by somebody else.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { z } from "zod";
import { Message } from "../../src/wire/messages.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import { startWorld, type Person, type World } from "../world/world.ts";
import { choose, focused, openMenu, rowWith, twoInARoom, type Visitor } from "./pair.ts";
import { launchChromium } from "./visitor.ts";

let world: World;
let browser: Browser;
let anna: Person;
let ben: Person;
beforeAll(async () => {
  world = await startWorld();
  browser = await launchChromium();
  anna = await world.person("anna");
  ben = await world.person("ben");
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

const open = (before?: (chatId: number) => Promise<unknown>) =>
  twoInARoom({ world, browser, anna, ben }, before);

const tombstone = "This message was deleted";

async function storedIn(chatId: number): Promise<z.infer<typeof Message>[]> {
  const { body } = await anna.api("GET", `/api/chats/${chatId}/messages`);
  return z.array(Message).parse(body);
}

test("the author edits with the keyboard alone, the other sees the new text and the versions", async () => {
  const { annas, bens, leave } = await open();
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
  const { chat, annas, leave } = await open((chatId) => anna.say(chatId, "/bot help"));
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
  const { chat, annas, bens, leave } = await open((chatId) => anna.say(chatId, "Regret"));
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

test("a deletion is sent at once when its room, or the page, is left", async () => {
  const { chat, annas, bens, leave } = await open(async (chatId) => {
    await anna.say(chatId, "first");
    await anna.say(chatId, "second");
  });
  await choose(rowWith(annas, "first"), "Delete");
  await annas.rows.first().getByRole("button", { name: "Undo" }).waitFor();
  await annas.page.evaluate("location.hash = '#/'");
  await bens.rows.first().getByText(tombstone).waitFor();
  await annas.page.evaluate(`location.hash = '#/chats/${chat.id}'`);
  await choose(rowWith(annas, "second"), "Delete");
  await annas.rows.nth(1).getByRole("button", { name: "Undo" }).waitFor();
  await annas.page.goto(`${world.url}/health`);
  await bens.rows.nth(1).getByText(tombstone).waitFor();
  await leave();
});

test("the menu offers what a person may do: to the author, the owner, and whoever asked", async () => {
  world.gemini.respondWith(answer(say("Because."), finish()));
  const { annas, bens, leave } = await open(async (chatId) => {
    await ben.say(chatId, "/bot why?");
    await anna.say(chatId, "Of Anna");
  });
  const offered = async (visitor: Visitor, text: string) => {
    const labels = await (await openMenu(rowWith(visitor, text))).allInnerTexts();
    await visitor.page.keyboard.press("Escape");
    return labels.join();
  };
  await bens.rows.nth(1).getByRole("button", { name: "Ask again" }).waitFor();
  await annas.rows.nth(1).getByRole("button", { name: "Ask again" }).waitFor();
  expect(await offered(annas, "Of Anna")).toBe("Reply,React,Edit,Delete");
  expect(await offered(annas, "why?")).toBe("Reply,React,Delete,Profile");
  expect(await offered(annas, "Because.")).toBe("Reply,React,Delete");
  expect(await offered(bens, "Of Anna")).toBe("Reply,React,Profile");
  expect(await offered(bens, "why?")).toBe("Reply,React,Edit,Delete");
  expect(await offered(bens, "Because.")).toBe("Reply,React,Delete");
  await leave();
});
