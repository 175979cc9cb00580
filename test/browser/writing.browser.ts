// Writing a message: input methods, the keyboard of a phone, and texts that outlive a reload or a session.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

const password = "correct horse";

async function register(username: string) {
  const email = `${username}@example.com`;
  const { status } = await world.call("POST", "/api/auth/register", { username, email, password });
  expect(status).toBe(200);
}

async function signIn(page: Page, username: string) {
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Chats" }).waitFor();
}

/** Begins a composition as a real input method does, with events of the browser. */
async function compose(page: Page, text: string) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Input.imeSetComposition", {
    text,
    selectionStart: text.length,
    selectionEnd: text.length,
  });
  return { commit: () => devtools.send("Input.insertText", { text }) };
}

/** Safari's events for the Enter that confirms a composition: its keydown comes after `compositionend`. */
const safarisEnter = `(() => {
  const field = document.activeElement;
  field.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "語" }));
  const enter = { key: "Enter", code: "Enter", keyCode: 229, bubbles: true, cancelable: true };
  return field.dispatchEvent(new KeyboardEvent("keydown", enter)) ? "left alone" : "prevented";
})()`;

test("an Enter that confirms a composition sends nothing, and the next one sends the whole message", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "日本" });
  const { page, rows, composer, faults, close } = await visit(world, browser, {
    as: anna,
    chatId: chat.id,
  });
  await composer.focus();
  const first = await compose(page, "日本");
  await page.keyboard.press("Enter");
  await first.commit();
  expect(await page.evaluate(safarisEnter)).toBe("left alone");
  await page.keyboard.type("語");
  expect(await composer.inputValue()).toContain("語");
  expect(await rows.count()).toBe(0);
  await page.keyboard.press("Enter");
  await rows.filter({ hasText: "語" }).waitFor();
  expect(await composer.inputValue()).toBe("");
  // The page shows a message before the server has stored it.
  while ((await anna.api("GET", `/api/chats/${chat.id}/messages`)).body.length === 0);
  expect(await anna.api("GET", `/api/chats/${chat.id}/messages`)).toMatchObject({
    body: [{ content: expect.stringMatching(/^日本\s*語$/) }],
  });
  expect(faults).toEqual([]);
  await close();
});

test("an Enter that confirms a composition submits no form", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Before" });
  const { page, faults, close } = await visit(world, browser, { as: anna, chatId: chat.id });
  await page.getByRole("button", { name: "New chat" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New chat" });
  const name = dialog.getByRole("textbox", { name: "Name" });
  await name.focus();
  const composing = await compose(page, "物理");
  await page.keyboard.press("Enter");
  await composing.commit();
  // The keydown is taken, so that it submits nothing either.
  expect(await page.evaluate(safarisEnter)).toBe("prevented");
  expect((await anna.api("GET", "/api/chats")).body).toHaveLength(1);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "物理" }).waitFor();
  expect(faults).toEqual([]);
  await close();
});

test("on a phone Enter begins a new line and the button sends, with a keyboard and a mouse Enter sends", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Lines" });
  const phone = await visit(world, browser, {
    as: anna,
    viewport: { width: 390, height: 800 },
    hasTouch: true,
    isMobile: true,
  });
  await phone.page.getByRole("link", { name: "Lines" }).tap();
  expect(await phone.composer.getAttribute("enterkeyhint")).toBe("enter");
  await phone.composer.tap();
  await phone.page.keyboard.type("One");
  await phone.page.keyboard.press("Enter");
  await phone.page.keyboard.type("two");
  expect(await phone.composer.inputValue()).toBe("One\ntwo");
  await phone.page.getByRole("button", { name: "Send" }).tap();
  await phone.rows.filter({ hasText: /One\s*two/ }).waitFor();
  // The on-screen keyboard stays for the next message.
  await phone.composer.and(phone.page.locator(":focus")).waitFor();

  const desk = await visit(world, browser, { as: anna, chatId: chat.id });
  expect(await desk.composer.getAttribute("enterkeyhint")).toBe("send");
  await desk.composer.fill("Three");
  await desk.page.keyboard.press("Shift+Enter");
  await desk.page.keyboard.type("four");
  await desk.page.keyboard.press("Enter");
  await phone.rows.filter({ hasText: /Three\s*four/ }).waitFor();
  expect(await phone.rows.locator(".text").allInnerTexts()).toEqual(["One\ntwo", "Three\nfour"]);
  expect(await phone.rows.count()).toBe(2);
  expect([...phone.faults, ...desk.faults]).toEqual([]);
  await phone.close();
  await desk.close();
});

test("a draft outlives a reload and the end of a session, for its writer alone, until it is sent", async () => {
  await register("dora");
  await register("emil");
  const visitor = await visit(world, browser);
  const { page, rows } = visitor;
  await signIn(page, "dora");
  const names = ["First", "Second"];
  for (const name of names) {
    await page.getByRole("button", { name: "New chat" }).first().click();
    const dialog = page.getByRole("dialog", { name: "New chat" });
    await dialog.getByRole("textbox", { name: "Name" }).fill(name);
    await dialog.getByRole("combobox", { name: "People" }).fill("emil");
    await dialog.getByRole("button", { name: "Create chat" }).click();
    await page.getByRole("textbox", { name: `Message to ${name}` }).fill(`Half a ${name}`);
  }
  const composerOf = (name: string) => page.getByRole("textbox", { name: `Message to ${name}` });
  const openChat = (name: string) =>
    page.getByRole("navigation").getByRole("link").filter({ hasText: name }).click();
  const draftIn = async (name: string) => {
    await composerOf(name).waitFor();
    return await composerOf(name).inputValue();
  };
  await page.reload();
  expect(await draftIn("Second")).toBe("Half a Second");
  await openChat("First");
  expect(await draftIn("First")).toBe("Half a First");

  // The server ends the session.
  await world.sql`delete from sessions where user_id = (select id from users where username = 'dora')`;
  await page.reload();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await signIn(page, "emil");
  expect(await draftIn("First")).toBe("");
  await openChat("Second");
  expect(await draftIn("Second")).toBe("");
  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, "dora");
  expect(await draftIn("Second")).toBe("Half a Second");
  await page.keyboard.press("Enter");
  await rows.filter({ hasText: "Half a Second" }).waitFor();
  await page.reload();
  expect(await draftIn("Second")).toBe("");
  await openChat("First");
  expect(await draftIn("First")).toBe("Half a First");
  await visitor.close();
});

test("a message that was not delivered outlives a reload and the end of a session, and arrives once", async () => {
  await register("fred");
  await register("gina");
  const visitor = await visit(world, browser);
  const { page, rows } = visitor;
  let isCut = false;
  await page.routeWebSocket(/\/ws/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      if (!isCut || JSON.parse(String(text)).type !== "message") server.send(text);
    });
  });
  await page.reload();
  await signIn(page, "fred");
  await page.getByRole("button", { name: "New chat" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New chat" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("Tunnel");
  await dialog.getByRole("combobox", { name: "People" }).fill("gina");
  await dialog.getByRole("button", { name: "Create chat" }).click();
  await page.getByRole("textbox", { name: "Message to Tunnel" }).waitFor();
  isCut = true;
  await visitor.say("one");
  await visitor.say("two");
  await rows.filter({ hasText: "two" }).getByText("Waiting to be sent").waitFor();
  await page.reload();
  await rows.filter({ hasText: "two" }).getByText("Waiting to be sent").waitFor();

  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, "gina");
  await page.getByText("Nothing has been said yet").waitFor();
  expect(await rows.count()).toBe(0);
  await page.getByRole("button", { name: "Sign out" }).click();
  isCut = false;
  await signIn(page, "fred");
  for (const text of ["one", "two"]) {
    await page.locator(".row:not(.pending)", { hasText: text }).waitFor();
  }
  expect(await rows.locator(".text").allInnerTexts()).toEqual(["one", "two"]);
  await page.reload();
  await rows.filter({ hasText: "two" }).waitFor();
  expect(await rows.locator(".text").allInnerTexts()).toEqual(["one", "two"]);
  const stored = await page.evaluate("Object.keys(localStorage).join()");
  expect(stored).toBe("gemini-coop-tokens");
  await visitor.close();
});

test("a question without words is refused with a reason, and cannot be sent again as it is", async () => {
  const anna = await world.person("anna_bare");
  const chat = await anna.chat();
  const here = await visit(world, browser, { as: anna, chatId: chat.id });
  await here.say("/bot");
  const refused = here.page
    .getByRole("alert")
    .filter({ hasText: "Write your question after /bot." });
  await refused.waitFor();
  expect(await refused.getByRole("button").allTextContents()).toEqual(["Discard"]);
  await refused.getByRole("button", { name: "Discard" }).press("Enter");
  await refused.waitFor({ state: "detached" });
  // The focus of a button that is gone stays near to where it was.
  await here.page.locator(".messages:focus").waitFor();
  expect(here.faults).toEqual([]);
  await here.close();
});

test("cancelling an edit or a reply with the keyboard leads back to the field", async () => {
  const anna = await world.person("anna_cancels");
  const chat = await anna.chat();
  await anna.say(chat.id, "Hello");
  const { page, rows, composer, faults, close } = await visit(world, browser, {
    as: anna,
    chatId: chat.id,
  });
  const field = composer.and(page.locator(":focus"));
  await rows.filter({ hasText: "Hello" }).waitFor();
  await composer.press("ArrowUp");
  await page.getByRole("button", { name: "Cancel the edit" }).press("Enter");
  await field.waitFor();
  await rows.getByRole("button", { name: /^Actions for/ }).press("Enter");
  await page.getByRole("menuitem").filter({ hasText: "Reply" }).press("Enter");
  await page.getByRole("button", { name: "Cancel the reply" }).press("Enter");
  await field.waitFor();
  expect(faults).toEqual([]);
  await close();
});
