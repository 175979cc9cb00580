// Text of people and the model cannot run scripts, send requests, or imitate a part of the page.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { z } from "zod";
import { answer, finish, ground, say } from "../world/gemini/script.ts";
import { startWorld, type Person, type World } from "../world/world.ts";
import { launchChromium, visit } from "./visitor.ts";

let world: World;
let browser: Browser;
let anna: Person;
/** Somebody who wants to know who reads, and when. */
let beacon: ReturnType<typeof Bun.serve>;
const hits: string[] = [];
const reached = Promise.withResolvers<Request>();
beforeAll(async () => {
  world = await startWorld();
  browser = await launchChromium();
  anna = await world.person("anna");
  beacon = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      hits.push(request.url);
      reached.resolve(request);
      return new Response("caught");
    },
  });
});
afterAll(async () => {
  await browser.close();
  await beacon.stop(true);
  await world.stop();
});

const run = "document.title='pwned'";

function tricks(): string[] {
  const away = beacon.url.href;
  return [
    `<script>${run}</script>`,
    `<img src=x onerror="${run}">`,
    `<img src="${away}img">`,
    `![beacon](${away}markdown)`,
    `![reference][far]\n\n[far]: ${away}reference`,
    `[![linked](${away}inner)](${away}outer)`,
    `<svg onload="${run}"><script>${run}</script></svg>`,
    `<svg><a xlink:href="javascript:${run}"><text y="20">x</text></a></svg>`,
    `<math><mtext><table><mglyph><style><img src=x onerror="${run}"></style></mglyph></table></mtext></math>`,
    `<a href="javascript:${run}">click</a>`,
    `[click](javascript:${run})`,
    `[click](JaVaScRiPt:${run})`,
    `[click](java&#115;cript:${run})`,
    `[click](&#1;javascript:${run})`,
    `[click](<java\tscript:${run}>)`,
    `[click](data:text/html,<script>${run}</script>)`,
    `[click](vbscript:x)`,
    `[click](file:///etc/passwd)`,
    `[click](//127.0.0.1:1/relative)`,
    `[click](/api/auth/logout)`,
    `<javascript:${run}>`,
    `![data](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+)`,
    `<iframe src="${away}frame"></iframe><object data="${away}object"></object><embed src="${away}embed">`,
    `<style>@import "${away}style"; body { background: url(${away}css) }</style>`,
    `<link rel="stylesheet" href="${away}link"><meta http-equiv="refresh" content="0;url=${away}meta">`,
    `<base href="${away}"><form action="${away}form"><input name="password"><button>Sign in</button></form>`,
    `<video src="${away}video" poster="${away}poster"></video><audio src="${away}audio"></audio>`,
    `<p style="position:fixed;inset:0;background:url(${away}inline)" class="door" id="page" onclick="${run}">over</p>`,
    `<details open ontoggle="${run}"><summary>x</summary></details>`,
    `<sub onclick="${run}">x</sub><sup style="position:fixed;inset:0">y</sup><br onclick="${run}">`,
    `<sub><img src=x onerror="${run}"></sub><sup><script>${run}</script></sup>`,
    `<sub>[click](javascript:${run})</sub> ~~<b onclick="${run}">~~ **<i onclick="${run}">「**あ`,
    `<var>\\(x\\)</var><math><mi href="javascript:${run}">x</mi></math>`,
    `\\(<img src=x onerror="${run}">\\) $<script>_1${run}</script>$`,
    `\\(\\text{<img src=x onerror="${run}">}_1\\) \\[\\text{</var><img src=x onerror="${run}">}_2\\]`,
    `\\(\\href{javascript:${run}}{x}\\) \\(\\url{javascript:${run}}\\) \\(\\includegraphics{${away}formula}\\)`,
    `\\(\\class{door}{x}\\) \\(\\id{page}{x}\\) \\(\\style{position:fixed}{x}\\) \\(\\data{x=y}{z}\\)`,
    `\\(\\color{red;background:url(${away}color)}x\\) \\(\\colorbox{url(${away}box)}{x_1}\\)`,
    `\\(\\kern-900em x\\) \\(\\rule{900em}{900em}\\) \\(\\raisebox{900em}{x}\\) \\(\\llap{x_1}\\)`,
    `\\(\\def\\a{\\a\\a}\\a\\) $$${"{".repeat(3_000)}$$ \\(${"\\\\sqrt{".repeat(900)}x${"}".repeat(900)}\\)`,
    `\\(\\begin{equation}x_1\\label{page}\\end{equation}\\ref{page}\\eqref{page}\\)`,
    "`<img src=x onerror=" + run + ">` and\n\n```html\n<img src=x onerror=" + run + ">\n```",
    [
      "html",
      "javascript",
      "sql",
      "constructor",
      "__proto__",
      "toString",
      "c++",
      `js"onclick=${run}`,
    ]
      .map(
        (name) =>
          "```" + name + `\n<img src=x onerror=${run}> "</span><b>" \${${run}} // x\n` + "```",
      )
      .join("\n\n"),
    "```html\n<script>" +
      run +
      "</script><style>@import '" +
      away +
      'code\'</style><p class="door">\n```',
    "~~~<img src=x onerror=" + run + ">\ncode\n~~~",
    "<pre data-language=js class=door><code class=hljs-door>x</code></pre>",
    `<div><p>unclosed`,
    `</div></li></ol><h1>Not the page's</h1>`,
  ];
}

/** All elements inside of what a selector finds, with their attributes. */
async function elementsOf(page: Page, selector: string) {
  const listed = await page.evaluate(`
    JSON.stringify([...document.querySelectorAll(${JSON.stringify(`${selector} *`)})].map((each) => ({
      name: each.localName,
      attributes: each.getAttributeNames().map((name) => name + "=" + each.getAttribute(name)),
    })))
  `);
  return Elements.parse(JSON.parse(String(listed)));
}

const Elements = z.array(z.object({ name: z.string(), attributes: z.array(z.string()) }));
const harmless =
  /^(a|blockquote|br|code|del|em|h[3-6]|hr|li|ol|p|pre|strong|su[bp]|t(able|body|d|h|head|r)|ul|var)$/;
const ofFormulas =
  /^(math|menclose|mfrac|mi|mmultiscripts|mn|mo|mover|mpadded|mphantom|mprescripts|mroot|mrow|mspace|msqrt|mstyle|ms(ub|up|ubsup)|m(table|td|text|tr)|munder(over)?|span)$/;
/** Words of code that have a colour. */
const ofCode = ({ name, attributes }: z.infer<typeof Elements>[number]) =>
  name === "span" &&
  attributes.length === 1 &&
  /^class=(hljs-[a-z_-]+)?$/.test(attributes[0] ?? "");
/** Attributes that could load something, run a script, or move a formula over other parts of the page. */
const harmful = /^(on|href|src|xlink|id|name|action|is)|(url\(|position|inset|z-index|900em)/i;

/** Expects that what a selector finds contains only what may be there. @returns all, and those of formulas */
async function harmlessElements(page: Page, selector: string) {
  const elements = await elementsOf(page, selector);
  const drawn = elements.filter((each) => !harmless.test(each.name) && !ofCode(each));
  expect(drawn.filter(({ name }) => !ofFormulas.test(name))).toEqual([]);
  expect(drawn.filter(({ attributes }) => attributes.some((each) => harmful.test(each)))).toEqual(
    [],
  );
  for (const { name, attributes } of elements.filter((each) => harmless.test(each.name))) {
    if (
      name === "ol" ||
      attributes.every((each) => /^(dir=|class=display$|tabindex=0$)/.test(each))
    )
      continue;
    expect(name).toBe("a");
    expect(attributes.toSorted()).toEqual([
      expect.stringMatching(/^href=(https?:\/\/|mailto:)/),
      "rel=noopener noreferrer nofollow",
      "target=_blank",
    ]);
  }
  return { elements, drawn };
}

test("no trick of the model's does anything but stand there", async () => {
  const chat = await anna.chat();
  const answers = tricks();
  world.gemini.respondWith(
    ...answers.map((trick) => answer(say(`${trick}\n\nend`), finish())),
    answer(
      say("Grounded."),
      ground(
        { uri: "https://example.com/good", title: "<img src=x onerror=alert(1)>" },
        { uri: `javascript:${run}`, title: "bad" },
      ),
      finish(),
    ),
  );
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page, rows } = visitor;
  for (const index of [...answers, "grounded"].keys()) {
    await anna.say(chat.id, `/bot trick ${index}`);
    await rows
      .nth(index * 2 + 1)
      .getByRole("button", { name: "Ask again" })
      .waitFor();
  }
  const { elements, drawn } = await harmlessElements(page, ".answer .markdown");
  expect(elements.length).toBeGreaterThan(answers.length);
  expect(drawn.length).toBeGreaterThan(10);
  expect(elements.filter(ofCode).length).toBeGreaterThan(10);
  // HTML is shown as it was written.
  await page
    .locator(".answer .markdown")
    .filter({ hasText: `<script>${run}</script>` })
    .first()
    .waitFor();
  const sources = page.getByRole("region", { name: "Sources of this answer" }).getByRole("link");
  expect(await sources.count()).toBe(1);
  expect(await sources.getAttribute("href")).toBe("https://example.com/good");
  expect(await page.title()).toBe("Gemini Coop");
  expect(hits).toEqual([]);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("no trick of people does anything but stand there, in the room, in the list of chats and in names", async () => {
  const texts = tricks().filter((trick) => !trick.includes("/bot"));
  const [first = ""] = texts;
  const chat = await anna.chat({ name: `<img src=x onerror=${run}>` });
  for (const text of texts) await anna.say(chat.id, text);
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page, rows } = visitor;
  await rows.nth(texts.length - 1).waitFor();
  const { elements } = await harmlessElements(page, ".text .markdown");
  expect(elements.length).toBeGreaterThan(texts.length);
  expect(await rows.locator(".text").first().textContent()).toBe(first);
  expect(await page.getByRole("main").getByRole("heading", { level: 2 }).textContent()).toBe(
    chat.name,
  );
  expect(await page.locator("img, iframe, script[src*='127.0.0.1'], style").count()).toBe(0);
  expect(await page.title()).toBe("Gemini Coop");
  expect(hits).toEqual([]);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("a link of the model's leads to another tab, which doesn't learn where it comes from", async () => {
  const chat = await anna.chat();
  world.gemini.respondWith(answer(say(`See [there](${beacon.url.href}there).`), finish()));
  await anna.say(chat.id, "/bot where?");
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  // While an answer is written, its last paragraph is drawn anew with each chunk.
  await visitor.rows.getByRole("button", { name: "Ask again" }).waitFor();
  await visitor.rows.getByRole("link", { name: "there" }).click();
  const { url, headers } = await reached.promise;
  expect(url).toBe(`${beacon.url.href}there`);
  expect(headers.get("referer")).toBeNull();
  // The scroll position has not changed.
  expect(visitor.page.url()).toBe(`${world.url}/#/chats/${chat.id}`);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});
