// Code in answers and messages: coloured where its language is known, once it is complete, and otherwise left as it is.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { gateway } from "../answers/asking.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { answered, drawn } from "./answered.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

const fenced = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\``;
const plain = (code: string) => `<pre tabindex="0"><code>${code}</code></pre>`;
const coloured = "pre code > [class^=hljs-]";
/** The words of a colour. */
const words = (page: Page, name: string) => page.locator(`pre .hljs-${name}`).allTextContents();
const isChunk = (path: string) => /^\/page\/code-languages-\w+\.js$/.test(path);

test("code is coloured by its language, and its text stays what it is", async () => {
  const python = 'def f(a):\n    return "</b>&" + a  # why?';
  const texts = [
    fenced("python", python),
    `- in a list:\n  ${fenced("JS title=x", "const x = `${y} 1`;").replaceAll("\n", "\n  ")}`,
    fenced("c++", "int main() { return 42; }"),
  ];
  const { page, faults, close } = await answered(world, browser, texts);
  await page.locator(coloured).first().waitFor();
  expect(await page.locator("pre").allTextContents()).toEqual([
    `${python}\n`,
    "const x = `${y} 1`;\n",
    "int main() { return 42; }\n",
  ]);
  expect(await words(page, "keyword")).toEqual(["def", "return", "const", "return"]);
  expect(await words(page, "string")).toEqual(['"</b>&"', "`${y} 1`"]);
  expect(await words(page, "comment")).toEqual(["# why?"]);
  expect(await page.locator("[data-language]").count()).toBe(0);
  expect(faults).toEqual([]);
  await close();
});

test("code in people's messages is coloured, too", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  await anna.say(chat.id, `look:\n${fenced("rust", "let x = 1;")}`);
  const { page, faults, close } = await visit(world, browser, { as: anna, chatId: chat.id });
  await page.locator(`.text ${coloured}`).first().waitFor();
  expect(await words(page, "keyword")).toEqual(["let"]);
  expect(faults).toEqual([]);
  await close();
});

test("code without a known language, huge code and code without an end stay plain", async () => {
  const huge = "x = 1\n".repeat(4_000).trimEnd();
  const texts = [
    fenced("js", "let a;"),
    fenced("", "let b;"),
    ...["constructor", "__proto__", "brainfuck", "js!"].map((name) => fenced(name, "let c;")),
    fenced("python", huge),
    "    let d;",
    "```js\nlet e;",
  ];
  const { page, faults, close } = await answered(world, browser, texts);
  await page.locator(coloured).first().waitFor();
  const [, ...others] = await drawn(page);
  const c = plain("let c;");
  expect(others).toEqual([
    plain("let b;"),
    c,
    c,
    c,
    c,
    plain(huge),
    plain("let d;"),
    plain("let e;"),
  ]);
  expect(faults).toEqual([]);
  await close();
});

test("while an answer is written, code is coloured when it is complete, and stays the element that it is", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const [half, end] = [gateway(), gateway()];
  world.gemini.respondWith(
    answer(
      say("```js\nlet a = 1;\n"),
      half.step,
      say("```\n\nand "),
      end.step,
      say("more."),
      finish(),
    ),
  );
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page } = visitor;
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await visitor.say("/bot go");
  await page.locator("pre", { hasText: "let a = 1;" }).waitFor();
  expect(await page.locator(coloured).count()).toBe(0);
  expect(loaded.filter(isChunk)).toEqual([]);
  half.open();
  await page.locator(coloured).first().waitFor();
  expect(loaded.filter(isChunk)).toHaveLength(1);
  await page.evaluate(`document.querySelector(${JSON.stringify(coloured)}).id = "kept"`);
  end.open();
  await visitor.rows.getByRole("button", { name: "Ask again" }).waitFor();
  expect(await page.locator("#kept").textContent()).toBe("let");
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});
