// Names that are offered while a mention is written.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

const listOf = (page: Page) => page.getByRole("listbox", { name: "Names to mention" });
const namesIn = (page: Page) => listOf(page).locator(".name").allInnerTexts();
const chosenIn = (page: Page) =>
  listOf(page).getByRole("option", { selected: true }).locator(".name").innerText();

/** A group of anna, ben and joanna, whom anna may mention. */
async function group() {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const joanna = await world.person("joanna");
  const chat = await anna.chat({ with: [ben, joanna], name: "Physics" });
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  return { anna, ben, joanna, chat, annas };
}

test("the keyboard alone chooses a person, who finds a badge beside the chat and none after reading", async () => {
  const { anna, ben, joanna, chat, annas } = await group();
  const bens = await visit(world, browser, { as: ben });
  const { page, composer } = annas;
  await composer.pressSequentially("Hello @");
  await listOf(page).waitFor();
  expect(await namesIn(page)).toEqual([ben.username, joanna.username, "all", "Gemini"]);
  expect(await chosenIn(page)).toBe(ben.username);
  const active = await composer.getAttribute("aria-activedescendant");
  expect(await page.locator(`[id="${active}"]`).innerText()).toContain(ben.username);
  await page.getByRole("status").filter({ hasText: "4 names to mention" }).waitFor();
  await page.keyboard.press("ArrowUp");
  expect(await chosenIn(page)).toBe("Gemini");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await listOf(page).waitFor({ state: "detached" });
  expect(await composer.inputValue()).toBe(`Hello @${ben.username} `);
  expect(await annas.rows.count()).toBe(0);
  await page.keyboard.type("!");
  await page.keyboard.press("Enter");
  await annas.rows.filter({ hasText: "Hello" }).waitFor();

  const item = bens.page.getByRole("navigation").getByRole("listitem").first();
  await item.getByText("1 mention").waitFor();
  await item.click();
  await bens.rows.filter({ hasText: "Hello" }).waitFor();
  await item.getByText("1 mention").waitFor({ state: "detached" });
  const { body } = await anna.api("GET", `/api/chats/${chat.id}/messages`);
  expect(body[0].mentions).toEqual([ben.id]);
  expect([...annas.faults, ...bens.faults]).toEqual([]);
  await annas.close();
  await bens.close();
});

test("a part of a name finds it, Tab takes it in the middle of a text, and Escape closes the list", async () => {
  const { joanna, annas } = await group();
  const { page, composer } = annas;
  await composer.pressSequentially("@OANN");
  await listOf(page).waitFor();
  expect(await namesIn(page)).toEqual([joanna.username]);
  await page.keyboard.press("Escape");
  await listOf(page).waitFor({ state: "detached" });
  await page.keyboard.type("A");
  expect(await listOf(page).count()).toBe(0);
  await composer.fill("Dear  and all");
  for (let step = 0; step < " and all".length; step += 1) await page.keyboard.press("ArrowLeft");
  await page.keyboard.type("@jo");
  await listOf(page).waitFor();
  await page.keyboard.press("Tab");
  expect(await composer.inputValue()).toBe(`Dear @${joanna.username} and all`);
  await page.keyboard.type("(you)");
  expect(await composer.inputValue()).toBe(`Dear @${joanna.username} (you)and all`);
  expect(annas.faults).toEqual([]);
  await annas.close();
});

test("a click takes a name, and the field keeps the focus", async () => {
  const { ben, annas } = await group();
  const { page, composer } = annas;
  await composer.pressSequentially("@");
  await listOf(page).getByRole("option").filter({ hasText: ben.username }).click();
  expect(await composer.inputValue()).toBe(`@${ben.username} `);
  await composer.and(page.locator(":focus")).waitFor();
  expect(annas.faults).toEqual([]);
  await annas.close();
});

test("no names are offered in an address, in code, for an unknown name, and in a chat with the model", async () => {
  const { anna, annas } = await group();
  const { page, composer } = annas;
  for (const text of ["me@", "`code @", "```\n@", "https://example.com/@", "@nobody"]) {
    await composer.fill(text.slice(0, -1));
    await page.keyboard.type(text.slice(-1));
    expect([text, await listOf(page).count()]).toEqual([text, 0]);
  }
  await composer.fill("");
  await page.keyboard.type("@");
  await listOf(page).waitFor();
  await annas.close();
  const ai = await anna.chat({ is_ai_chat: true, is_group: false });
  const alone = await visit(world, browser, { as: anna, chatId: ai.id });
  await alone.composer.pressSequentially("@");
  expect(await listOf(alone.page).count()).toBe(0);
  await alone.close();
});

test("the keys of an input method are left to it, and its wide @ offers names, too", async () => {
  const { ben, annas } = await group();
  const { page, composer } = annas;
  await composer.focus();
  const devtools = await page.context().newCDPSession(page);
  const composition = { text: "你好＠be", selectionStart: 5, selectionEnd: 5 };
  await devtools.send("Input.imeSetComposition", composition);
  await listOf(page).waitFor();
  await page.keyboard.press("Enter");
  await devtools.send("Input.insertText", { text: "你好＠be" });
  expect(await annas.rows.count()).toBe(0);
  expect(await composer.inputValue()).toContain("＠be");
  await page.keyboard.type("n");
  await listOf(page).waitFor();
  await page.keyboard.press("Enter");
  expect(await composer.inputValue()).toMatch(new RegExp(`你好@${ben.username}\\s$`));
  expect(annas.faults).toEqual([]);
  await annas.close();
});

test.each(["light", "dark"] as const)(
  "on a phone the names fit beside a text from right to left (%s)",
  async (colorScheme) => {
    const { anna, ben, chat, annas } = await group();
    await annas.close();
    const phone = { viewport: { width: 360, height: 740 }, colorScheme, hasTouch: true };
    const visitor = await visit(world, browser, { as: anna, ...phone });
    const { page, composer } = visitor;
    await page.goto(`${world.url}/#/chats/${chat.id}`);
    await composer.focus();
    await composer.pressSequentially("שלום @");
    await listOf(page).waitFor();
    expect(await visitor.contentWidth()).toBe(360);
    for (const option of await listOf(page).getByRole("option").all()) {
      const box = await option.boundingBox();
      expect(box?.height).toBeGreaterThanOrEqual(24);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360);
    }
    await listOf(page).getByRole("option").first().tap();
    expect(await composer.inputValue()).toBe(`שלום @${ben.username} `);
    expect(visitor.faults).toEqual([]);
    await visitor.close();
  },
);
