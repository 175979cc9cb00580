// Ways through the page: by the keyboard alone, on a phone, from one chat to another, out and in again.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { answer, finish, ground, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

const password = "correct horse";
const focusesMax = 20;

async function register(username: string) {
  const email = `${username}@example.com`;
  const { status } = await world.call("POST", "/api/auth/register", { username, email, password });
  expect(status).toBe(200);
}

async function untilTitled(page: Page, title: string) {
  while ((await page.title()) !== title) await page.evaluate("new Promise(requestAnimationFrame)");
}

/** Presses Tab until what has the focus is named so. */
async function tabTo(page: Page, name: RegExp) {
  const focus = page.locator(":focus");
  for (let pressed = 0; pressed < focusesMax; pressed += 1) {
    const label = (await focus.getAttribute("aria-label")) ?? (await focus.innerText());
    if (name.test(label)) return;
    await page.keyboard.press("Tab");
    await focus.waitFor();
  }
  throw new Error(`Nothing named ${String(name)} is reached within ${focusesMax} tabs.`);
}

test("the keyboard alone signs in, opens a room, sends, and comes back from a dialog", async () => {
  await register("kim");
  const { page, rows, faults, close } = await visit(world, browser);
  const { keyboard } = page;
  await page.getByRole("textbox", { name: "Username" }).and(page.locator(":focus")).waitFor();
  await keyboard.type("kim");
  await keyboard.press("Tab");
  await keyboard.type(password);
  await keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Chats" }).waitFor();

  await keyboard.press("Tab");
  await tabTo(page, /^New chat$/);
  await keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "New chat" });
  await dialog.waitFor();
  await dialog.locator(":focus").waitFor();
  await keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await tabTo(page, /^New chat$/);
  await keyboard.press("Enter");
  await dialog.getByRole("radio", { name: "Group" }).waitFor();
  for (let step = 0; step < 2; step += 1) await keyboard.press("Tab");
  await page.getByRole("textbox", { name: "Name" }).and(page.locator(":focus")).waitFor();
  await keyboard.type("Only keys");
  await keyboard.press("Enter");

  await page
    .getByRole("textbox", { name: "Message to Only keys" })
    .and(page.locator(":focus"))
    .waitFor();
  await keyboard.type("Typed");
  await keyboard.press("Shift+Enter");
  await keyboard.type("and sent");
  await keyboard.press("Enter");
  const typed = rows.filter({ hasText: /Typed\s*and sent/ });
  await typed.waitFor();
  expect(await typed.locator(".text").innerText()).toBe("Typed\nand sent");
  await page.locator(".row:not(.pending)").waitFor();

  // The buttons that add files, record and ask Gemini are between.
  for (let step = 0; step < 4; step += 1) await keyboard.press("Shift+Tab");
  await typed
    .getByRole("button", { name: /^Actions/ })
    .and(page.locator(":focus"))
    .waitFor();
  await keyboard.press("Shift+Tab");
  await page.getByRole("region", { name: "Messages" }).and(page.locator(":focus")).waitFor();
  await keyboard.press("Shift+Tab");
  await tabTo(page, /^Chat settings$/);
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Chat settings" }).waitFor();
  // The browser's own dialog: what is behind it can't be reached.
  for (let step = 0; step < focusesMax; step += 1) {
    await keyboard.press("Tab");
    expect(await page.locator("main > .composer :focus, nav :focus").count()).toBe(0);
  }
  await keyboard.press("Escape");
  await page.getByRole("button", { name: "Chat settings" }).and(page.locator(":focus")).waitFor();
  expect(faults).toEqual([]);
  await close();
});

test("who registers stays signed in over a reload, and signs out in every tab", async () => {
  const { page, faults, close } = await visit(world, browser);
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("Username").fill("rita");
  await page.getByLabel("Email").fill("rita@example.com");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { name: "Start a conversation" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Start a conversation" }).waitFor();
  const second = await page.context().newPage();
  await second.goto(world.url);
  await second.getByRole("button", { name: "Sign out" }).click();
  for (const tab of [page, second]) await tab.getByRole("button", { name: "Sign in" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  expect(faults).toEqual([]);

  await page.getByLabel("Username").fill("rita");
  await page.getByLabel("Password").fill("not the password");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("The username or the password is wrong.").waitFor();
  await close();
});

test("an invited person finds the chat in their list, with what is unread, and leaves it again", async () => {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  await ben.chat({ name: "Older" });
  const chat = await anna.chat({ name: "Newer" });
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  const bens = await visit(world, browser, { as: ben });
  const list = bens.page.getByRole("navigation", { name: "Chats" }).getByRole("listitem");
  await list.filter({ hasText: "Older" }).waitFor();

  await annas.page.getByRole("button", { name: "People" }).click();
  const people = annas.page.getByRole("dialog", { name: "People" });
  await people.getByLabel("Invite somebody").fill("nobody-at-all");
  await people.getByRole("button", { name: "Invite", exact: true }).click();
  await people.getByRole("alert").getByText("Nobody is registered under the name").waitFor();
  await people.getByLabel("Invite somebody").fill(ben.username);
  await people.getByRole("button", { name: "Invite", exact: true }).click();
  await people.getByRole("listitem").filter({ hasText: ben.username }).waitFor();
  await annas.page.keyboard.press("Escape");
  await annas.say("Welcome");
  await annas.say("Sit down");

  await list.first().filter({ hasText: "Sit down" }).getByText("2 unread").waitFor();
  await untilTitled(bens.page, "(2) Gemini Coop");
  await list.first().click();
  await bens.rows.filter({ hasText: "Sit down" }).waitFor();
  await untilTitled(bens.page, "Gemini Coop");
  await list.filter({ hasText: "Older" }).click();
  await bens.page.getByText("Nothing has been said yet").waitFor();
  expect(await list.getByText("unread").count()).toBe(0);

  await list.filter({ hasText: "Newer" }).click();
  await bens.page.getByRole("button", { name: "People" }).click();
  const leave = bens.page.getByRole("button", { name: /^Leave this chat/ });
  await leave.click();
  await leave.click();
  await bens.page.getByRole("heading", { name: "Pick a chat" }).waitFor();
  await list.filter({ hasText: "Newer" }).waitFor({ state: "detached" });
  expect([...annas.faults.slice(1), ...bens.faults]).toEqual([]);
  await annas.close();
  await bens.close();
});

test("the owner sets who the model is, and everybody who is there sees the new name", async () => {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const chat = await anna.chat({ with: [ben], name: "Before" });
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  expect(await bens.page.getByRole("button", { name: "Chat settings" }).count()).toBe(0);
  await annas.page.getByRole("button", { name: "Chat settings" }).click();
  const dialog = annas.page.getByRole("dialog", { name: "Chat settings" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("After");
  await dialog.getByLabel("Who Gemini is here").fill("A pirate");
  await dialog.getByLabel("Temperature").fill("0.3");
  await dialog.getByLabel("Google Search").check();
  await dialog.getByRole("combobox", { name: "Model" }).selectOption("gemini-2.5-flash");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  await bens.page.getByRole("heading", { name: "After" }).waitFor();
  const { body } = await anna.api("GET", `/api/chats/${chat.id}`);
  expect(body.settings).toMatchObject({
    persona: "A pirate",
    temperature: 0.3,
    google_search: true,
    model: "gemini-2.5-flash",
  });
  expect([...annas.faults, ...bens.faults]).toEqual([]);
  await annas.close();
  await bens.close();
});

test.each(["light", "dark"] as const)(
  "on a narrow phone nothing is wider than the screen (%s)",
  async (scheme) => {
    const anna = await world.person("anna");
    const chat = await anna.chat({
      name: "A name that is much longer than a phone is wide, as names are",
    });
    const wide = "w".repeat(300);
    const table = `|${" column |".repeat(12)}\n|${"-|".repeat(12)}\n|${" cell |".repeat(12)}`;
    const source = { uri: "https://example.com/", title: "a title that goes on ".repeat(8) };
    const text = `${wide}\n\n${table}\n\n\`\`\`\n${wide}\n\`\`\``;
    world.gemini.respondWith(answer(say(text), ground(source), finish()));
    await anna.say(chat.id, wide);
    await anna.say(chat.id, "/bot be wide");
    const phone = { viewport: { width: 360, height: 740 }, colorScheme: scheme };
    const stranger = await visit(world, browser, phone);
    await stranger.page.getByLabel("Username").waitFor();
    expect(await stranger.contentWidth()).toBe(360);
    await stranger.close();

    const visitor = await visit(world, browser, { ...phone, as: anna });
    const { page } = visitor;
    await page.getByRole("link").waitFor();
    expect(await visitor.contentWidth()).toBe(360);
    await page.getByRole("link").click();
    await visitor.rows.last().getByRole("button", { name: "Ask again" }).waitFor();
    // One column: the list has made room.
    expect(await page.getByRole("navigation", { name: "Chats" }).isVisible()).toBe(false);
    expect(await visitor.contentWidth()).toBe(360);
    const messages = "document.querySelector('.messages')";
    expect(await page.evaluate(`${messages}.scrollWidth - ${messages}.clientWidth`)).toBe(0);
    for (const name of ["People", "Chat settings"]) {
      await page.getByRole("button", { name }).click();
      await page.getByRole("dialog").waitFor();
      expect(await visitor.contentWidth()).toBe(360);
      await page.keyboard.press("Escape");
    }
    await page.getByRole("button", { name: "Back to the chats" }).click();
    await page.getByRole("navigation", { name: "Chats" }).waitFor();
    expect(visitor.faults).toEqual([]);
    await visitor.close();
  },
);
