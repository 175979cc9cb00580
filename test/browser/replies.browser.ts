// Replies, reactions and the Markdown of people on the page, each seen by somebody else.
import { expect, test } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { choose, focused, rowWith, usePair, type Visitor } from "./pair.ts";
import { visit } from "./visitor.ts";

const pair = usePair();

test("a reply shows what it replies to, and its quote leads there, also before the loaded page", async () => {
  const { chat, annas, bens, leave } = await pair.open(async (chatId) => {
    for (let line = 1; line <= 70; line += 1) await pair.anna.say(chatId, `line ${line}.`);
  });
  await choose(rowWith(annas, "line 70."), "Reply");
  await annas.page.getByText("Reply to").filter({ hasText: "line 70." }).waitFor();
  await focused(annas, annas.composer);
  await annas.say("To the last");
  const reply = rowWith(bens, "To the last");
  await reply
    .getByRole("button", { name: "In reply to" })
    .filter({ hasText: "line 70." })
    .waitFor();

  const { body } = await pair.anna.api("GET", `/api/chats/${chat.id}/messages?after_seq=0&limit=1`);
  await pair.anna.api("POST", `/api/chats/${chat.id}/messages`, {
    content: "To the first",
    reply_to: body[0].id,
  });
  const far = rowWith(bens, "To the first").getByRole("button", { name: "In reply to" });
  expect(await far.innerText()).toContain("An earlier message");
  await far.click();
  const original = rowWith(bens, "line 1.");
  await focused(bens, original);
  expect(await original.boundingBox().then((box) => box && box.y > 0 && box.y < 800)).toBe(true);
  await bens.page.getByRole("button", { name: "Newest" }).click();
  expect(await far.innerText()).toContain("line 1.");
  await leave();
});

test("Gemini is asked about a message from its menu, also without words", async () => {
  const { annas, leave } = await pair.open(async (chatId) => {
    await pair.ben.say(chatId, "Is the earth flat?");
  });
  pair.world.gemini.respondWith(answer(say("It is round."), finish()));
  await choose(rowWith(annas, "Is the earth flat?"), "Ask Gemini");
  await annas.page.getByText("Reply to").filter({ hasText: "Is the earth flat?" }).waitFor();
  await focused(annas, annas.composer);
  expect(await annas.composer.inputValue()).toBe("/bot ");
  await annas.composer.press("Enter");
  await rowWith(annas, "It is round.").waitFor();
  await leave();
});

test("a draft and its reply outlive a reload, and an edit leaves them alone", async () => {
  const { annas, leave } = await pair.open(async (chatId) => {
    await pair.ben.say(chatId, "A question");
    await pair.anna.say(chatId, "Something else");
  });
  await choose(rowWith(annas, "A question"), "Reply");
  await annas.composer.fill("Half a reply");
  await choose(rowWith(annas, "Something else"), "Edit");
  await annas.composer.fill("Something edited");
  await annas.page.reload();
  const mode = annas.page.getByText("Reply to").filter({ hasText: "A question" });
  await mode.waitFor();
  expect(await annas.composer.inputValue()).toBe("Half a reply");

  await choose(rowWith(annas, "Something else"), "Edit");
  await annas.composer.fill("Something new");
  await annas.composer.press("Enter");
  await rowWith(annas, "Something new").waitFor();
  expect(await annas.composer.inputValue()).toBe("Half a reply");
  await annas.composer.press("Escape");
  await mode.waitFor({ state: "hidden" });
  expect(await annas.composer.inputValue()).toBe("Half a reply");
  await choose(rowWith(annas, "A question"), "Reply");
  await annas.composer.press("Enter");
  await rowWith(annas, "Half a reply").getByRole("button", { name: "In reply to" }).waitFor();
  await annas.page.reload();
  await rowWith(annas, "Half a reply").waitFor();
  expect(await mode.count()).toBe(0);
  expect(await annas.composer.inputValue()).toBe("");
  await leave();
});

test("a reaction is picked with the keyboard alone, and the other joins it and takes it back", async () => {
  const { annas, bens, leave } = await pair.open(async (chatId) => {
    await pair.ben.say(chatId, "Older");
    await pair.ben.say(chatId, "News!");
  });
  const { keyboard } = annas.page;
  await annas.rows.nth(1).waitFor();
  const actions = (index: number) =>
    annas.rows.nth(index).getByRole("button", { name: /^Actions/ });
  await annas.composer.focus();
  // The buttons that add files, that record and that ask Gemini are between.
  for (let step = 0; step < 4; step += 1) await keyboard.press("Shift+Tab");
  await focused(annas, actions(1));
  await keyboard.press("ArrowUp");
  await focused(annas, actions(0));
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await focused(annas, annas.page.getByRole("menuitem", { name: "Reply" }));
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  const grid = annas.page.getByRole("grid", { name: "Reactions" });
  await focused(annas, grid.getByRole("button", { name: "thumbs up" }));
  await keyboard.press("Escape");
  await grid.waitFor({ state: "detached" });
  await focused(annas, actions(1));

  await choose(annas.rows.nth(1), "React");
  await focused(annas, grid.getByRole("button", { name: "thumbs up" }));
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowRight");
  await focused(annas, grid.getByRole("button", { name: "clapping hands" }));
  await keyboard.press("End");
  await keyboard.press("ArrowDown");
  await focused(annas, grid.getByRole("button", { name: "hundred points" }));
  await keyboard.press("Enter");
  await focused(annas, actions(1));
  const chipOf = ({ rows }: Visitor) => rows.nth(1).getByRole("button", { name: /^💯/ });
  expect(await chipOf(bens).getAttribute("aria-label")).toBe(`💯 1: ${pair.anna.username}`);
  expect(await chipOf(bens).getAttribute("aria-pressed")).toBe("false");
  await chipOf(bens).click();
  const both = annas.rows
    .nth(1)
    .getByRole("button", { name: `💯 2: ${pair.anna.username}, ${pair.ben.username}` });
  await both.and(annas.page.locator("[aria-pressed=true]")).click();
  await bens.rows
    .nth(1)
    .getByRole("button", { name: `💯 1: ${pair.ben.username}` })
    .click();
  for (const visitor of [annas, bens]) await chipOf(visitor).waitFor({ state: "detached" });
  await leave();
});

test("a refused reaction is taken back and says why", async () => {
  const { annas, leave } = await pair.open((chatId) => pair.ben.say(chatId, "News!"));
  await annas.page.route("**/reactions/**", (route) =>
    route.fulfill({
      status: 422,
      contentType: "application/problem+json",
      body: JSON.stringify({ type: "/problems/invalid", status: 422, detail: "Too many emoji." }),
    }),
  );
  await choose(annas.rows.first(), "React");
  await annas.page.getByRole("button", { name: "rocket" }).click();
  await annas.page
    .getByRole("alert")
    .filter({ hasText: "The reaction was not stored. Too many emoji." })
    .waitFor();
  expect(await annas.rows.first().getByRole("list", { name: "Reactions" }).count()).toBe(0);
  annas.faults.splice(0);
  await leave();
});

test("the items of people's nested lists follow each other without empty lines", async () => {
  const { annas, bens, leave } = await pair.open();
  const lists = ["1. one\n2. two\n   - three\n   - [ ] four\n     - five\n3. six", "- one\n- two"];
  const distances: number[] = [];
  for (const list of lists) {
    const count = await annas.rows.count();
    await bens.say(list);
    const items = annas.rows.nth(count).locator(".text li");
    await items.first().waitFor();
    const tops = await items.evaluateAll((all) => all.map((li) => li.getBoundingClientRect().top));
    distances.push(...tops.slice(1).map((top, n) => Math.round(top - (tops[n] ?? 0))));
  }
  expect(new Set(distances).size).toBe(1);
  expect(distances).toHaveLength(6);
  await leave();
});

test("people's text is Markdown with every line break, mentions stand out, and nothing gets lost", async () => {
  const { annas, bens, leave } = await pair.open();
  const bubble = annas.rows.last().locator(".text");
  const cases: readonly (readonly [text: string, html: RegExp])[] = [
    ["one\ntwo **bold**", /^<p[^>]*>one<br>two <strong>bold<\/strong><\/p>/],
    [
      "```js\nlet a;\n```",
      /<pre[^>]*><code[^>]*><span class="hljs-keyword">let<\/span> a;\n<\/code><\/pre>/,
    ],
    ["/bot - a\n- b", /^<p><bdi>\/bot<\/bdi><\/p><ul/],
    ["***", /^\*\*\*$/],
    ["[x]: https://example.com", /^\[x\]: https:\/\/example\.com$/],
    ["-", /^-$/],
    [
      `@${pair.anna.username}, \`@${pair.anna.username}\``,
      /<span class="mention own-mention">@anna\d*<\/span>, <code/,
    ],
    [`@${pair.ben.username}. @nobody-here`, /<span class="mention">@ben\d*<\/span>\. @nobody-here/],
    [`a@${pair.ben.username}`, /^<p[^>]*>a@ben\d*<\/p>/],
  ];
  for (const [index, [text, html]] of cases.entries()) {
    if (text.startsWith("/bot")) pair.world.gemini.respondWith(answer(say("Fine."), finish()));
    const count = await annas.rows.count();
    await bens.say(text);
    const row = annas.rows.nth(count).locator(".text");
    const inner = row.locator(".markdown, :scope > p").first();
    await inner.waitFor();
    // The colours come when their file is loaded.
    if (text.startsWith("```")) await inner.locator("[class^=hljs]").first().waitFor();
    expect([index, await inner.innerHTML()]).toEqual([index, expect.stringMatching(html)]);
    if (text.startsWith("/bot"))
      await annas.rows
        .nth(count + 1)
        .getByRole("button", { name: "Ask again" })
        .waitFor();
  }
  await bubble.waitFor();
  await leave();
});

test.each(["light", "dark"] as const)(
  "on a phone the actions are large enough, and nothing is wider than the screen (%s)",
  async (colorScheme) => {
    const name = `Narrow ${colorScheme}`;
    const chat = await pair.anna.chat({ name });
    const long = "w".repeat(300);
    const first = await pair.anna.say(chat.id, long);
    await pair.anna.api("POST", `/api/chats/${chat.id}/messages`, {
      content: `\`\`\`\n${long}\n\`\`\``,
      reply_to: first.id,
    });
    const phone = await visit(pair.world, pair.browser, {
      as: pair.anna,
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
      colorScheme,
    });
    await phone.page.getByRole("link", { name }).tap();
    const row = phone.rows.nth(1);
    await row.getByRole("button", { name: /^Actions/ }).tap();
    await phone.page.getByRole("menuitem", { name: "React" }).tap();
    expect(await phone.contentWidth()).toBe(360);
    await phone.page.getByRole("button", { name: "fire" }).tap();
    await row.getByRole("list", { name: "Reactions" }).waitFor();
    for (const button of await row.getByRole("button").all()) {
      const box = await button.boundingBox();
      expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(24);
    }
    await row.getByRole("button", { name: /^Actions/ }).tap();
    await phone.page.getByRole("menuitem", { name: "Reply" }).tap();
    expect(await phone.contentWidth()).toBe(360);
    const messages = "document.querySelector('.messages')";
    expect(await phone.page.evaluate(`${messages}.scrollWidth - ${messages}.clientWidth`)).toBe(0);
    expect(phone.faults).toEqual([]);
    await phone.close();
  },
);
