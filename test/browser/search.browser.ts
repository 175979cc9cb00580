// Searching on the page, and reading on from a message that was found, in both directions.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { startWorld, type Person, type World } from "../world/world.ts";
import { focused, rowWith } from "./pair.ts";
import { launchChromium, visit } from "./visitor.ts";

let world: World;
let browser: Browser;
let anna: Person;
let ben: Person;
let long: number;
let other: number;
const lines = 260;
beforeAll(async () => {
  world = await startWorld();
  browser = await launchChromium();
  anna = await world.person("anna");
  ben = await world.person("ben");
  long = (await anna.chat({ with: [ben], name: "Long" })).id;
  other = (await anna.chat({ with: [ben], name: "Other" })).id;
  for (let line = 1; line <= lines; line += 1) {
    await ben.say(long, line === 60 ? `line 60. Pelicans are Größe` : `line ${line}.`);
  }
  await ben.say(other, "A pelican, too");
  await world.index();
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

const resultsOf = ({ page }: Awaited<ReturnType<typeof visit>>) =>
  page.getByRole("dialog", { name: "Search messages" }).getByRole("link");

test("a search over all chats leads by keyboard to a message, from which one reads on in both directions", async () => {
  await ben.api("PATCH", "/api/auth/me", { display_name: "Benno" });
  const annas = await visit(world, browser, { as: anna, chatId: other });
  const { page } = annas;
  await page.getByRole("button", { name: "Search all chats" }).click();
  await page.getByRole("searchbox", { name: "Words to find" }).fill("pelican");
  await page.getByText("2 messages found").waitFor();
  expect(await resultsOf(annas).allInnerTexts()).toEqual([
    expect.stringMatching(/Benno\s+in Other[^]*A pelican, too/),
    expect.stringMatching(/Benno\s+in Long[^]*line 60\. Pelicans are Größe/),
  ]);
  expect(await page.locator("dialog mark").allInnerTexts()).toEqual(["pelican", "Pelican"]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const found = rowWith(annas, "line 60. Pelicans");
  await focused(annas, found);
  const box = await found.boundingBox();
  expect(box && box.y > 0 && box.y < 800).toBe(true);
  expect(new URL(page.url()).hash).toBe(`#/chats/${long}`);
  await rowWith(annas, `line ${lines}.`).waitFor({ state: "detached" });

  const messages = page.getByRole("region", { name: "Messages" });
  await messages.hover();
  while (!(await rowWith(annas, "line 1.").isVisible())) await page.mouse.wheel(0, -900);
  while (!(await rowWith(annas, `line ${lines}.`).isVisible())) await page.mouse.wheel(0, 900);
  // Nothing is missing in between, and the room goes on.
  expect(await annas.rows.count()).toBe(lines);
  await ben.say(long, "line of now.");
  await rowWith(annas, "line of now.").waitFor();
  expect(annas.faults).toEqual([]);
  await annas.close();
});

test("a match is seen in the result, however many lines stand before it", async () => {
  await ben.say(other, `${"\n".repeat(12)}a\n\nb\n\nc\n\nd\n\ne\n\nflamingo\n\nf`);
  await world.index();
  const annas = await visit(world, browser, { as: anna, chatId: other });
  const { page } = annas;
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("button", { name: "Search this chat" }).click();
  await page.getByRole("searchbox", { name: "Words to find" }).fill("flamingo");
  await page.getByText("1 message found").waitFor();
  const bottomOf = async (selector: string) => {
    const box = await page.locator(`dialog ${selector}`).boundingBox();
    return (box?.y ?? Infinity) + (box?.height ?? 0);
  };
  expect(await bottomOf("mark")).toBeLessThanOrEqual(await bottomOf(".snippet"));
  expect(annas.faults).toEqual([]);
  await annas.close();
});

test("a link to a message opens it without marking later ones as read, and the newest ones are a click away", async () => {
  const bens = await visit(world, browser, { as: ben });
  for (let line = 1; line <= 3; line += 1) await anna.say(long, `unread ${line}.`);
  await bens.page.goto(`${world.url}/#/chats/${long}/10`);
  await focused(bens, rowWith(bens, "line 10."));
  const unread = async () => {
    const { body } = await ben.api("GET", "/api/chats");
    return body.find((chat: { id: number }) => chat.id === long).unread_count;
  };
  expect(await unread()).toBe(3);
  await bens.page.getByRole("button", { name: "Newest" }).click();
  await rowWith(bens, "unread 3.").waitFor();
  while ((await unread()) > 0);
  await bens.say("An answer");
  await rowWith(bens, "An answer").waitFor();
  expect(bens.faults).toEqual([]);
  await bens.close();
});

test("a link that is followed in the moment in which the page appears is not missed", async () => {
  const bens = await visit(world, browser, { as: ben });
  await bens.page.addInitScript(`
    new MutationObserver((changes, observer) => {
      if (!document.querySelector(".house")) return;
      observer.disconnect();
      location.hash = "#/chats/${long}/10";
    }).observe(document, { childList: true, subtree: true });
  `);
  await bens.page.reload();
  await focused(bens, rowWith(bens, "line 10."));
  expect(bens.faults).toEqual([]);
  await bens.close();
});

test("a search in a chat finds nothing of others, says so, and shows why it was refused", async () => {
  const annas = await visit(world, browser, { as: anna, chatId: long });
  const { page } = annas;
  await page.getByRole("button", { name: "Search this chat" }).click();
  const field = page.getByRole("searchbox", { name: "Words to find" });
  await focused(annas, field);
  await field.fill("größe PELICANS");
  await page.getByText("1 message found").waitFor();
  await field.fill("too");
  await page.getByText("Nothing found.").waitFor();
  await page.getByRole("checkbox", { name: "Only in Long" }).uncheck();
  await page.getByText("1 message found").waitFor();
  await field.fill("-only");
  await page.getByRole("alert").filter({ hasText: "Add a word to find" }).waitFor();
  await field.fill("line");
  await page.getByText("The newest 20 messages").waitFor();
  await page.getByRole("button", { name: "Older messages" }).click();
  await page.getByText("The newest 40 messages").waitFor();
  await page.keyboard.press("Escape");
  await focused(annas, page.getByRole("button", { name: "Search this chat" }));
  await annas.close();
});
