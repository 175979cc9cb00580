// Names, cards, settings and blocks on the page.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { Passwords } from "../../src/accounts/passwords.ts";
import { useWorld } from "../world/world.ts";
import { choose, focused, rowWith } from "./pair.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld({ durations: { peoplePollMs: 50 } });

async function twoPeople() {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  await ben.api("PATCH", "/api/auth/me", { display_name: "Ben Øster", bio: "Optics\nand waves" });
  const chat = await anna.chat({ with: [ben], name: "Physics" });
  return { anna, ben, chat };
}

const openSettings = async (page: Page, section: string) => {
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: section }).click();
  return dialog.getByRole("tabpanel", { name: section });
};

test("a display name is shown in the room, and a change of it without a reload, in rows, quotes and reactions", async () => {
  const { anna, ben, chat } = await twoPeople();
  const first = await ben.say(chat.id, "First");
  const path = `/api/chats/${chat.id}/messages`;
  await anna.api("POST", path, { content: "Reply", reply_to: first.id });
  await ben.api("PUT", `${path}/${first.id}/reactions/${encodeURIComponent("👍")}`);
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const shows = async (name: string) => {
    await rowWith(visitor, "First").locator(".by").getByText(name, { exact: true }).waitFor();
    await rowWith(visitor, "Reply").locator(".quote").getByText(name, { exact: true }).waitFor();
    await visitor.rows.getByRole("button", { name: `👍 1: ${name}` }).waitFor();
  };
  await shows("Ben Øster");
  await ben.api("PATCH", "/api/auth/me", { display_name: "Benedikt" });
  await shows("Benedikt");
  await ben.api("PATCH", "/api/auth/me", { display_name: null });
  await shows(ben.username);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("an open room shows at once that a person has deleted their account, and so does their private chat", async () => {
  const { anna, ben, chat } = await twoPeople();
  const hash = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(
    "correct horse",
  );
  await world.sql`update users set hashed_password = ${hash} where id = ${ben.id}`;
  const first = await ben.say(chat.id, "First");
  await anna.api("POST", `/api/chats/${chat.id}/messages`, {
    content: "Reply",
    reply_to: first.id,
  });
  const both = await anna.chat({ is_group: false, with: [ben], name: undefined });
  await ben.say(both.id, "Hello");
  const inGroup = await visit(world, browser, { as: anna, chatId: chat.id });
  const inPrivate = await visit(world, browser, { as: anna, chatId: both.id });
  const title = (name: string) => inPrivate.page.getByRole("heading", { name, exact: true });
  await title("Ben Øster").waitFor();
  const body = { password: "correct horse", messages: "keep" };
  expect((await ben.api("DELETE", "/api/auth/me", body)).status).toBe(200);
  const name = "Deleted user";
  await rowWith(inGroup, "First").locator(".by").getByText(name, { exact: true }).waitFor();
  await rowWith(inGroup, "Reply").locator(".quote").getByText(name, { exact: true }).waitFor();
  await rowWith(inPrivate, "Hello").locator(".by").getByText(name, { exact: true }).waitFor();
  await title(name).waitFor();
  for (const visitor of [inGroup, inPrivate]) {
    const texts = await visitor.page.locator("main").innerText();
    expect(texts).not.toMatch(/Øster/);
    expect(texts).not.toContain(ben.username);
    expect(visitor.faults).toEqual([]);
    await visitor.close();
  }
});

test("a search shows the display names of people of rooms that were not opened", async () => {
  const { anna, ben, chat } = await twoPeople();
  const cat = await world.person("cat");
  await cat.api("PATCH", "/api/auth/me", { display_name: "Cat 李" });
  const other = await anna.chat({ with: [cat], name: "Other" });
  await cat.say(other.id, "A pelican");
  await ben.say(chat.id, "Hello");
  await world.index();
  const { page, close } = await visit(world, browser, { as: anna, chatId: chat.id });
  await page.getByRole("button", { name: "Search all chats" }).click();
  await page.getByRole("searchbox", { name: "Words to find" }).fill("pelican");
  const results = page.getByRole("dialog", { name: "Search messages" }).getByRole("link");
  await results.getByText("Cat 李", { exact: true }).waitFor();
  await close();
});

test("the menu of a message opens the author's card by the keyboard, and the card mentions and opens a private chat", async () => {
  const { anna, ben, chat } = await twoPeople();
  await ben.say(chat.id, "Hello");
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page, composer } = visitor;
  await page.getByRole("button", { name: "Actions for the message of Ben Øster" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await focused(visitor, page.getByRole("menuitem", { name: "Profile" }));
  await page.keyboard.press("Enter");
  const card = page.getByRole("dialog", { name: "Ben Øster" });
  await card.getByText(`@${ben.username}`).waitFor();
  expect(await card.locator(".bio").innerText()).toBe("Optics\nand waves");
  await card.getByRole("button", { name: "Mention" }).press("Enter");
  await card.waitFor({ state: "detached" });
  expect(await composer.inputValue()).toBe(`@${ben.username} `);
  await rowWith(visitor, "Hello").getByRole("button", { name: "Ben Øster", exact: true }).click();
  await card.getByRole("button", { name: "Message privately" }).click();
  await page.getByRole("main").getByRole("heading", { name: "Ben Øster" }).waitFor();
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("blocking folds up messages at once, ends the private chat's unread count, and is undone in the settings", async () => {
  const { anna, ben, chat } = await twoPeople();
  const { id: privateId } = await anna.chat({ is_group: false, with: [ben] });
  await ben.say(privateId, "Psst");
  await ben.say(chat.id, "Hello");
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page, rows, composer } = visitor;
  const other = await visit(world, browser, { as: anna, chatId: chat.id });
  const inList = page.getByRole("navigation").getByRole("link", { name: "Ben Øster" });
  await inList.getByText("1 unread").waitFor();
  await choose(rowWith(visitor, "Hello"), "Profile");
  const card = page.getByRole("dialog", { name: "Ben Øster" });
  await card.getByRole("button", { name: "Block" }).click();
  await card.getByRole("button", { name: "Block: really?" }).click();
  await card.getByText("You have blocked this person.").waitFor();
  await page.keyboard.press("Escape");
  for (const each of [rows, other.rows]) {
    await each.getByText("A message of somebody you have blocked").waitFor();
    expect(await each.getByText("Hello").count()).toBe(0);
  }
  await inList.getByText("You have blocked this person").waitFor();
  await inList.getByText("unread").waitFor({ state: "detached" });
  await rows.getByRole("button", { name: "Show it" }).click();
  await rows.getByText("Hello").waitFor();
  await inList.click();
  await page.getByText("Unblock them to write.").waitFor();
  expect(await composer.count()).toBe(0);

  const panel = await openSettings(page, "Privacy");
  await panel.getByRole("button", { name: `Unblock ${ben.username}` }).click();
  await panel.getByText("You have blocked nobody.").waitFor();
  await page.keyboard.press("Escape");
  await composer.waitFor();
  await other.rows.getByText("Hello").waitFor();
  expect([...visitor.faults, ...other.faults]).toEqual([]);
  await visitor.close();
  await other.close();
});

test("the profile is changed in the settings, a refusal is shown, and another tab shows the new name", async () => {
  const anna = await world.person("anna");
  const visitor = await visit(world, browser, { as: anna });
  const other = await visit(world, browser, { as: anna });
  const panel = await openSettings(visitor.page, "Profile");
  await panel.getByLabel("Display name").fill("\u3164");
  await panel.getByRole("button", { name: "Save" }).click();
  await panel.getByRole("alert").getByText("display_name: must be visible").waitFor();
  await panel.getByLabel("Display name").fill("Anna Lee");
  await panel.getByLabel("About you").fill("Waves");
  await panel.getByRole("button", { name: "Save" }).click();
  await panel.getByText("Your profile is saved.").waitFor();
  for (const { page } of [visitor, other]) {
    await page.getByRole("navigation").getByText("Anna Lee").waitFor();
  }
  const { body } = await anna.api("GET", "/api/auth/me");
  expect(body).toMatchObject({ display_name: "Anna Lee", bio: "Waves" });
  // The refused request is an error of the console.
  expect(visitor.faults.filter((fault) => !fault.includes("422"))).toEqual([]);
  await visitor.close();
  await other.close();
});

test.each([1280, 360])(
  "the longest name leaves the settings and signing out within reach, %d pixels wide",
  async (width) => {
    const anna = await world.person("anna");
    await anna.api("PATCH", "/api/auth/me", { display_name: "W".repeat(50) });
    const viewport = { width, height: 740 };
    const visitor = await visit(world, browser, { as: anna, viewport });
    const settings = visitor.page.getByRole("button", { name: "Your settings" });
    await visitor.page.getByText("W".repeat(50)).waitFor();
    const list = await visitor.page.getByRole("navigation").first().boundingBox();
    const end = (list?.x ?? 0) + (list?.width ?? 0);
    for (const button of [settings, visitor.page.getByRole("button", { name: "Sign out" })]) {
      const box = await button.boundingBox();
      expect((box?.x ?? Infinity) + (box?.width ?? 0)).toBeLessThanOrEqual(end);
    }
    expect(await visitor.contentWidth()).toBeLessThanOrEqual(width);
    await settings.click();
    await visitor.page.getByRole("dialog", { name: "Your settings" }).waitFor();
    expect(visitor.faults).toEqual([]);
    await visitor.close();
  },
);

test("the sections of the settings are tabs for the arrow keys; a password is changed, and another session is ended", async () => {
  const credentials = { username: "olga", email: "olga@example.com", password: "correct horse" };
  await world.call("POST", "/api/auth/register", credentials);
  const visitor = await visit(world, browser);
  const { page } = visitor;
  await page.getByLabel("Username").fill(credentials.username);
  await page.getByLabel("Password").fill(credentials.password);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Your settings" }).click();
  const tab = (name: string) => page.getByRole("tab", { name });
  await tab("Profile").focus();
  await page.keyboard.press("ArrowRight");
  await focused(visitor, tab("Privacy"));
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowRight");
  await focused(visitor, tab("Profile"));
  expect(await page.getByRole("tabpanel", { name: "Profile" }).count()).toBe(1);

  await tab("Password").click();
  await page.getByLabel("Current password").fill("wrong horse");
  await page.getByLabel("New password").fill("another horse");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("alert").getByText("password").waitFor();
  await page.getByLabel("Current password").fill(credentials.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Your password is changed.").waitFor();

  const again = { username: credentials.username, password: "another horse" };
  expect((await world.call("POST", "/api/auth/login", again)).status).toBe(200);
  await tab("Sessions").click();
  const sessions = page.getByRole("list", { name: "Your sessions" }).getByRole("listitem");
  await sessions.nth(1).waitFor();
  await sessions.getByText("Chrome on Linux").waitFor();
  await sessions.getByRole("button", { name: /^End/ }).click();
  await sessions.getByRole("button", { name: /^End: really/ }).click();
  await page.getByText("The session has ended.").waitFor();
  expect(await sessions.count()).toBe(1);
  expect(visitor.faults.filter((fault) => !fault.includes("403"))).toEqual([]);
  await visitor.close();
});

test("people are found by their display name where somebody is invited, and for a new chat, by the keyboard alone", async () => {
  const { anna, ben } = await twoPeople();
  await ben.api("PATCH", "/api/auth/me", { display_name: `Ünal ${ben.username}x` });
  const chat = await anna.chat({ name: "Alone" });
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page } = visitor;
  await page.getByRole("button", { name: /^People/ }).click();
  await page.getByRole("combobox", { name: "Invite somebody" }).pressSequentially("unal");
  await page.getByRole("option").getByText(`@${ben.username}`).waitFor();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.getByText(`${ben.username} is in this chat now.`).waitFor();
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "New chat" }).click();
  const field = page.getByRole("combobox", { name: "People" });
  await field.pressSequentially("unal");
  await page.getByRole("option").getByText("Ünal").waitFor();
  await page.keyboard.press("Tab");
  expect(await field.inputValue()).toBe(`${ben.username}, `);
  await page.keyboard.press("Escape");
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("a mention is completed from a display name, and has the username", async () => {
  const { anna, ben, chat } = await twoPeople();
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page, composer } = visitor;
  await composer.pressSequentially("@ost");
  await page.getByRole("option").getByText("Ben Øster").waitFor();
  await page.keyboard.press("Enter");
  expect(await composer.inputValue()).toBe(`@${ben.username} `);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});
