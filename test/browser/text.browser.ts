// How the page draws what the model writes: Markdown in every language, links, formulas, and the direction of each line.
import { expect, test } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { gateway } from "../answers/asking.ts";
import { useWorld } from "../world/world.ts";
import { answered, drawn } from "./answered.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

async function expectDrawn(cases: readonly (readonly [text: string, html: string])[]) {
  const { page, faults, close } = await answered(
    world,
    browser,
    cases.map(([text]) => text),
  );
  const html = await drawn(page);
  expect(html).toHaveLength(cases.length);
  const pairs = cases.map(([text], index) => [text, html[index] ?? ""]);
  expect(pairs).toEqual(cases.map(([text, expected]) => [text, expected]));
  expect(faults).toEqual([]);
  await close();
}

const link = (address: string) => `<a href="${address}">${address}</a>`;

test("only two tildes strike out", async () => {
  await expectDrawn([
    ["하루 3~5잔, 주 10~20잔", "<p>하루 3~5잔, 주 10~20잔</p>"],
    ["~5 or ~6, ~a~ and ~~b~~", "<p>~5 or ~6, ~a~ and <del>b</del></p>"],
    ["~~「旧」~~新、~~a~b~~", "<p><del>「旧」</del>新、<del>a~b</del></p>"],
  ]);
});

test("emphasis works beside Chinese, Japanese and Korean punctuation, and as ever elsewhere", async () => {
  await expectDrawn([
    ["これは**「重要」**な点です。", "<p>これは<strong>「重要」</strong>な点です。</p>"],
    ["**重要（じゅうよう）**です", "<p><strong>重要（じゅうよう）</strong>です</p>"],
    ["**이 별표(괄호)**이", "<p><strong>이 별표(괄호)</strong>이</p>"],
    ["他说：**“你好。”**她", "<p>他说：<strong>“你好。”</strong>她</p>"],
    [
      "*「強調」*です、***「両方」***も",
      "<p><em>「強調」</em>です、<em><strong>「両方」</strong></em>も</p>",
    ],
    [
      "は**「A」**と**「B」**、**C。**次",
      "<p>は<strong>「A」</strong>と<strong>「B」</strong>、<strong>C。</strong>次</p>",
    ],
    [
      "は**`code`**と**[「例」](https://a.example)**",
      '<p>は<strong><code>code</code></strong>と<strong><a href="https://a.example">「例」</a></strong></p>',
    ],
    ["# は**「見」**出し", "<h3>は<strong>「見」</strong>出し</h3>"],
    ["- は**「項」**目", "<ul><li>は<strong>「項」</strong>目</li></ul>"],
    ["`**「a」**な`", "<p><code>**「a」**な</code></p>"],
    ["は**a と b** c", "<p>は<strong>a と b</strong> c</p>"],
    ["a*xa**( and **a*b*c, 2 * 3 * 4", "<p>a*xa**( and **a<em>b</em>c, 2 * 3 * 4</p>"],
    ["snake_case_name, _one_", "<p>snake_case_name, <em>one</em></p>"],
  ]);
});

test("an address in a text ends where the sentence goes on", async () => {
  const example = link("https://example.com");
  const path = link("https://example.com/a");
  await expectDrawn([
    ["見て https://example.com。次の文", `<p>見て ${example}。次の文</p>`],
    [
      "https://example.com、https://example.com！https://example.com？",
      `<p>${example}、${example}！${example}？</p>`,
    ],
    [
      "（https://example.com/a）「https://example.com/a」【https://example.com/a】",
      `<p>（${path}）「${path}」【${path}】</p>`,
    ],
    [
      "https://example.com/a：次、见https://example.com/a，然后“https://example.com/a”",
      `<p>${path}：次、见${path}，然后“${path}”</p>`,
    ],
    [
      "https://example.comを見て、https://example.com/aを、https://example.com에서",
      `<p>${example}を見て、${path}を、${example}에서</p>`,
    ],
    ["www.example.com。次", '<p><a href="http://www.example.com">www.example.com</a>。次</p>'],
    ["a@example.com。次", '<p><a href="mailto:a@example.com">a@example.com</a>。次</p>'],
    [
      "https://example.com/a?!... [https://example.com/a], (https://example.com/a_(b)).",
      `<p>${path}?!... [${path}], (${link("https://example.com/a_(b)")}).</p>`,
    ],
    [
      "**https://example.com/a**は https://example.com/a👍 https://example.com/a،",
      `<p><strong>${path}</strong>は ${path}👍 ${path}،</p>`,
    ],
    [
      "https://ja.wikipedia.org/wiki/日本_(曖昧さ回避)",
      '<p><a href="https://ja.wikipedia.org/wiki/%E6%97%A5%E6%9C%AC_(%E6%9B%96%E6%98%A7%E3%81%95%E5%9B%9E%E9%81%BF)">https://ja.wikipedia.org/wiki/日本_(曖昧さ回避)</a></p>',
    ],
    [
      "https://example.com:8080/a?b=c;d#e-f_g~h",
      `<p>${link("https://example.com:8080/a?b=c;d#e-f_g~h")}</p>`,
    ],
    ["ftp://example.com https://。", "<p>ftp://example.com https://。</p>"],
  ]);
});

test("br, sub and sup are drawn if they have no attributes; all other HTML is text", async () => {
  await expectDrawn([
    [
      "H<sub>2</sub>O, x<SUP>a<sub>1</sub></SUP>",
      "<p>H<sub>2</sub>O, x<sup>a<sub>1</sub></sup></p>",
    ],
    [
      "| a<br>b | c |\n|-|-|\n| d<br/>e<br /> | 10<sup>**5**</sup> |",
      "<table><thead><tr><th>a<br>b</th><th>c</th></tr></thead><tbody><tr><td>d<br>e<br></td><td>10<sup><strong>5</strong></sup></td></tr></tbody></table>",
    ],
    ["one<br>\ntwo", "<p>one<br>two</p>"],
    ["<br>\n**three**", "<p><br><strong>three</strong></p>"],
    ['<sub class="x">2</sub><br id=x>', '<p>&lt;sub class="x"&gt;2&lt;/sub&gt;&lt;br id=x&gt;</p>'],
    ["<sub>not closed", "<p>&lt;sub&gt;not closed</p>"],
    ["`<sub>2</sub>`", "<p><code>&lt;sub&gt;2&lt;/sub&gt;</code></p>"],
    ["<div>\n**bold**\n</div>", "<p>&lt;div&gt;<br><strong>bold</strong><br>&lt;/div&gt;</p>"],
    ["<pre>a &lt; b</pre>", "<p>&lt;pre&gt;a &amp;lt; b&lt;/pre&gt;</p>"],
  ]);
});

test("at each point of a streamed answer, the page shows what a page that is loaded then shows", async () => {
  // Each piece but the last ends within something, and has a word to wait for.
  const pieces = [
    "First see [the *manual*][m] and https://exam",
    "ple.com/second, or **bo",
    "ld third** ~~o",
    "ld fourth~~ H<sub>",
    "2</sub>fifth.\n\n[m]: https://example.com/man",
    "ual\n\nSixth is no heading\n=",
    "==\n\n| seventh | b |\n|-",
    "--|---|\n| sixteenth | d<br",
    ">eighth |\n\n- one\n  - ninth\n\n  `",
    "``js\n  tenth();\n  ``",
    "`\n- two\n\n> quoted eleventh\nlazy\n\n[m",
    "]: https://example.com/other\n\nAgain [twelfth][m], \\( x_",
    "1 \\) thirteenth \\[ y\n\n$",
    "$z$$ fourteenth 👩",
    "\u200d👩 שלום\n\n[n]: https://example.com/n\n\n1. [n]\n2. fifteenth",
  ];
  const gates = pieces.map(() => gateway());
  const steps = pieces.flatMap((piece, index) => {
    const gate = gates[index];
    return gate ? [say(piece), gate.step] : [];
  });
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const room = { as: anna, chatId: chat.id };
  const watcher = await visit(world, browser, room);
  world.gemini.respondWith(answer(...steps, finish()));
  await watcher.say("/bot go");
  const whole = await visit(world, browser, room);
  const words = pieces.map((piece) => /\w*(?:th|First|second|third)\b/.exec(piece)?.[0] ?? "");
  expect(words).not.toContain("");
  for (const [index, word] of words.entries()) {
    const html = async ({ page }: typeof watcher) => {
      const answer = page.locator(".answer .markdown");
      await answer.filter({ hasText: word }).waitFor();
      // The colours of code come when their file is loaded, which is another moment in each page.
      return (await answer.innerHTML()).replaceAll(
        /<span class="hljs-[^"]*">([^<]*)<\/span>/g,
        "$1",
      );
    };
    const streamed = await html(watcher);
    await whole.page.reload();
    expect(await html(whole)).toBe(streamed);
    gates[index]?.open();
  }
  await watcher.rows.getByRole("button", { name: "Ask again" }).waitFor();
  expect(await watcher.rows.getByRole("link", { name: "the manual" }).getAttribute("href")).toBe(
    "https://example.com/manual",
  );
  expect(await watcher.rows.getByRole("link", { name: "twelfth" }).getAttribute("href")).toBe(
    "https://example.com/manual",
  );
  expect([...watcher.faults, ...whole.faults]).toEqual([]);
  await watcher.close();
  await whole.close();
});

test("while an answer grows, what has been drawn stays selected", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const half = gateway();
  world.gemini.respondWith(
    answer(
      say("Stays.\n\nSee [m].\n\n"),
      half.step,
      say("[m]: https://example.com\n\nEnd."),
      finish(),
    ),
  );
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  await visitor.say("/bot go");
  await visitor.page.getByText("See [m].").waitFor();
  await visitor.page.evaluate(
    "getSelection().selectAllChildren(document.querySelector('.answer .markdown p'))",
  );
  half.open();
  await visitor.rows.getByRole("link", { name: "m", exact: true }).waitFor();
  expect(await visitor.page.evaluate("getSelection().toString()")).toBe("Stays.");
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("each paragraph, item and cell has the direction of its own first letter", async () => {
  const texts = [
    "שלום, עולם!",
    "Hello, world!",
    "`npm install` מתקין את החבילה.",
    "\\(x\\) הוא משתנה.",
    "- فقرة أولى!\n- Second.",
    "1. פריט\n\n   עוד פסקה\n\n2. Loose",
    "> ציטוט!\n>\n> Quote.",
    "| שם | b |\n|---|---|\n| c | 3 |",
    "### כותרת!",
    "```\nשלום\n```",
  ];
  const { page, anna, chat, faults, composer, rows, close } = await answered(world, browser, texts);
  const directions = async (selector: string) =>
    String(
      await page.evaluate(
        `[...document.querySelectorAll(${JSON.stringify(selector)})]
          .map((each) => each.localName + " " + getComputedStyle(each).direction).join(", ")`,
      ),
    );
  expect(await directions(".answer .markdown > :not(hr)")).toBe(
    "p rtl, p ltr, p rtl, p rtl, ul rtl, ol rtl, blockquote rtl, table rtl, h5 rtl, pre ltr",
  );
  expect(await directions(".answer .markdown li, .answer .markdown li p")).toBe(
    "li rtl, li ltr, li rtl, p rtl, p rtl, li ltr, p ltr",
  );
  expect(await directions(".answer .markdown blockquote p")).toBe("p rtl, p ltr");
  expect(await directions(".answer .markdown :is(td, th)")).toBe("th rtl, th ltr, td ltr, td ltr");
  expect(await directions(".answer .markdown :is(code, var)")).toBe("code ltr, var ltr, code ltr");
  // An item's marker is on the side on which it begins.
  expect(
    await page.evaluate(
      "[...document.querySelectorAll('.answer .markdown ul li')].map((li) => getComputedStyle(li).marginRight !== '0px').join()",
    ),
  ).toBe("true,false");

  await anna.say(chat.id, "/bot למה?\nEnglish!\nשלום!");
  const said = rows.filter({ hasText: "למה" }).locator(".text");
  await said.waitFor();
  expect(await directions(".row.own .text p")).toBe("p ltr, p rtl");
  // Where a line ends: its punctuation is left of its first letter, or right of it.
  const ends = await page.evaluate(`(() => {
    const lines = [...document.querySelectorAll(".row.own .text p")].at(-1).childNodes;
    const leftOf = (text, index) => {
      const range = document.createRange();
      range.setStart(text, index);
      range.setEnd(text, index + 1);
      return range.getBoundingClientRect().left;
    };
    return ["למה?", "English!", "שלום!"].map((line) => {
      const text = [...lines].find((node) => node.nodeType === Node.TEXT_NODE && node.data.includes(line));
      const first = text.data.indexOf(line);
      return leftOf(text, first + line.length - 1) < leftOf(text, first) ? "left" : "right";
    }).join();
  })()`);
  expect(ends).toBe("left,right,left");

  for (const [draft, direction] of [
    ["שלום", "rtl"],
    ["Hello", "ltr"],
    ["/bot مرحبا", "rtl"],
    ["/bot hello", "ltr"],
  ] as const) {
    await composer.fill(draft);
    expect([draft, await directions(".composer textarea")]).toEqual([
      draft,
      `textarea ${direction}`,
    ]);
  }
  expect(faults).toEqual([]);
  await close();
});

test("names of chats and previews have their own direction, too", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "חדר (1)" });
  await anna.say(chat.id, "שלום!");
  const { page, faults, close } = await visit(world, browser, { as: anna, chatId: chat.id });
  await page.getByRole("navigation").getByText("שלום!").waitFor();
  await page.getByRole("main").getByRole("heading", { name: "חדר (1)" }).waitFor();
  const found = await page.evaluate(
    "['.chats a .name', '.chats a .last', '.title h2'].map((each) => getComputedStyle(document.querySelector(each)).direction).join()",
  );
  expect(found).toBe("rtl,rtl,rtl");
  expect(faults).toEqual([]);
  await close();
});
