// Moderation, exports and the deletion of an account on the page.
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { Passwords } from "../../src/accounts/passwords.ts";
import { choose, openMenu, rowWith, usePair } from "./pair.ts";
import { visit } from "./visitor.ts";

const pair = usePair();

/** Saves a picture where SCREENSHOTS names a folder. */
async function picture(
  page: { screenshot(options: { path: string }): Promise<unknown> },
  name: string,
) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

test("a report reaches the owner, who deletes the message; a member becomes a moderator and may do so, too", async () => {
  const { chat, annas, bens, leave } = await pair.open();
  const cat = await pair.world.person("cat");
  await pair.anna.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
  await cat.say(chat.id, "Something rude");
  await choose(rowWith(bens, "Something rude"), "Report");
  const form = bens.page.getByRole("dialog", { name: "Report this message" });
  await form.getByLabel("What is wrong with it?").fill("It is rude.");
  await picture(bens.page, "report");
  await form.getByRole("button", { name: "Report", exact: true }).click();
  await form.getByText("The chat's owner and moderators are told.").waitFor();
  await form.getByRole("button", { name: "Done" }).click();

  await annas.page.getByRole("button", { name: "Chat menu" }).click();
  await picture(annas.page, "chat-menu");
  await annas.page.getByRole("menuitem", { name: "Reports" }).click();
  const reports = annas.page.getByRole("dialog", { name: "Reports" });
  await reports.getByText("It is rude.").waitFor();
  await picture(annas.page, "reports");
  const remove = reports.getByRole("button", { name: /^Delete the message/ });
  await remove.click();
  await remove.click();
  await reports.getByText("No message is reported.").waitFor();
  await annas.page.keyboard.press("Escape");
  await bens.rows.filter({ hasText: "This message was deleted" }).waitFor();

  await annas.page.getByRole("button", { name: /^People/ }).click();
  const people = annas.page.getByRole("dialog", { name: "People" });
  const entry = people.getByRole("listitem").filter({ hasText: pair.ben.username });
  await entry.getByRole("button", { name: /^Make moderator/ }).click();
  await entry.getByText("moderator", { exact: false }).first().waitFor();
  await entry.getByRole("button", { name: /^Make member/ }).waitFor();
  await picture(annas.page, "people");
  await annas.page.setViewportSize({ width: 360, height: 740 });
  await picture(annas.page, "people-phone");
  expect(await annas.contentWidth()).toBeLessThanOrEqual(360);
  // On the smallest phones, too, no button lies below the next person or beyond the edge.
  await annas.page.setViewportSize({ width: 320, height: 568 });
  const edge = await people.boundingBox();
  const buttons = people.getByRole("button", { name: /^(Make|Remove)/ });
  expect(await buttons.count()).toBeGreaterThan(2);
  for (const button of await buttons.all()) {
    await button.click({ trial: true });
    const box = await button.boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(
      (edge?.x ?? 0) + (edge?.width ?? 0),
    );
  }
  await annas.page.setViewportSize({ width: 1280, height: 800 });
  await annas.page.keyboard.press("Escape");

  await pair.anna.say(chat.id, "The owner's words");
  await cat.say(chat.id, "More of it");
  const [owners, cats] = [rowWith(bens, "The owner's words"), rowWith(bens, "More of it")];
  await cats.waitFor();
  expect(await (await openMenu(owners)).allInnerTexts()).not.toContain("Delete");
  await bens.page.keyboard.press("Escape");
  expect(await (await openMenu(cats)).allInnerTexts()).toContain("Delete");
  await bens.page.keyboard.press("Escape");
  await leave();
});

test("who reports a message of the owner, where nobody moderates, is told that the operators see it", async () => {
  const { chat, bens, leave } = await pair.open();
  await pair.anna.say(chat.id, "The owner's rude words");
  await choose(rowWith(bens, "The owner's rude words"), "Report");
  const form = bens.page.getByRole("dialog", { name: "Report this message" });
  await form.getByLabel("What is wrong with it?").fill("It is rude.");
  await form.getByRole("button", { name: "Report", exact: true }).click();
  await form.getByText("the operators of this server can see your report").waitFor();
  await bens.page.setViewportSize({ width: 360, height: 740 });
  await picture(bens.page, "report-to-operators-phone");
  expect(await bens.contentWidth()).toBeLessThanOrEqual(360);
  await leave();
});

test("a chat is saved as a file that opens offline", async () => {
  const chat = await pair.anna.chat({ name: "Physics" });
  await pair.anna.say(chat.id, "<b>hello</b>");
  const visitor = await visit(pair.world, pair.browser, { as: pair.anna, chatId: chat.id });
  await visitor.page.getByRole("button", { name: "Chat menu" }).click();
  const [file] = await Promise.all([
    visitor.page.waitForEvent("download"),
    visitor.page.getByRole("menuitem", { name: "Export as HTML" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe("Physics.html");
  const html = await readFile(await file.path(), "utf8");
  const page = await (await pair.browser.newContext({ offline: true })).newPage();
  await page.setContent(html);
  await page.getByText("<b>hello</b>").waitFor();
  await page.getByText("End of the export. Messages: 1.").waitFor();
  await picture(page, "export");
  await page.context().close();
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("a person takes their data along, and deletes the account", async () => {
  const password = "correct horse battery";
  const eve = await pair.world.person("eve");
  const hash = await new Passwords(pair.world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
  await pair.world.sql`update users set hashed_password = ${hash} where id = ${eve.id}`;
  const viewport = { width: 360, height: 740 };
  const visitor = await visit(pair.world, pair.browser, { as: eve, viewport, colorScheme: "dark" });
  const { page } = visitor;
  await page
    .getByRole("button", { name: /settings/i })
    .first()
    .click();
  await page.getByRole("tab", { name: "Export and deletion" }).click();
  await picture(page, "leaving-phone");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export my data" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe(`${eve.username}.jsonl`);
  await page.getByText("The file is complete.").waitFor();
  expect(await visitor.contentWidth()).toBeLessThanOrEqual(360);
  await page.getByLabel("Erase my messages").check();
  await page.getByLabel("Your password").fill(password);
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("button", { name: "Sign in" }).first().waitFor();
  expect(
    await pair.world.sql`select 1 from users where id = ${eve.id} and deleted_at is null`,
  ).toEqual(expect.objectContaining({ length: 0 }));
  await visitor.close();
});
