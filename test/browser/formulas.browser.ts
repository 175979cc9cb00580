// Formulas in answers: drawn, copied, and left alone where there is none.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { answer, finish, say } from "../world/gemini/script.ts";
import { gateway } from "../answers/asking.ts";
import { useWorld } from "../world/world.ts";
import { answered, drawn } from "./answered.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

/** A text for each list: the formulas that are drawn in it, with a `|` before those on lines of their own. */
const formulas: [text: string, drawn: string[]][] = [
  ["\\( a_1 \\) und \\( b_1 \\) oder $\\{c\\}$", ["\\( a_1 \\)", "\\( b_1 \\)", "$\\{c\\}$"]],
  ["\\[\na_1 * b_1\n= c*d\n\\]", ["|\\[\na_1 * b_1\n= c*d\n\\]"]],
  ["$$\n\\frac{a}{b}\n$$", ["|$$\n\\frac{a}{b}\n$$"]],
  ["Text:\n\\[\nx\n=\n- 3\n\\]\nmore $$y^2$$ text", ["|\\[\nx\n=\n- 3\n\\]", "|$$y^2$$"]],
  ["*note \\(A^*\\) end*, **x \\(a**b\\) y**", ["\\(A^*\\)", "\\(a**b\\)"]],
  ["解は\\(x\\)です。**\\(y\\)**は", ["\\(x\\)", "\\(y\\)"]],
  [
    "\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}",
    ["|\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}"],
  ],
  ["1. one\n   \\[\n   - b\n   \\]\n\n> $$\n> q\n> $$", ["|\\[\n- b\n\\]", "|$$\nq\n$$"]],
  ["| \\(t_1\\) | b |\n|-|-|\n| $$u$$ | $v$ |", ["\\(t_1\\)", "|$$u$$", "$v$"]],
  ["### \\(h\\)\n\n[\\(l_1\\)](https://example.com)", ["\\(h\\)", "\\(l_1\\)"]],
];

/** Texts without a formula, or with one that has a mistake. */
const others: [text: string, html: string][] = [
  [
    "$5 and $10, US$5 or A$6, $5-$10, ($5)/($6)",
    "<p>$5 and $10, US$5 or A$6, $5-$10, ($5)/($6)</p>",
  ],
  ["$HOME/bin:$PATH, $a and $b, $$ and $$$", "<p>$HOME/bin:$PATH, $a and $b, $$ and $$$</p>"],
  [
    "`\\(a\\)`, `$$b$$` and `$c$`",
    "<p><code>\\(a\\)</code>, <code>$$b$$</code> and <code>$c$</code></p>",
  ],
  ["```\n\\[ d_1 \\]\n$$e$$\n```", '<pre tabindex="0"><code>\\[ d_1 \\]\n$$e$$</code></pre>'],
  [
    "\\[citation needed\\], f\\(x\\), \\[1\\], \\[a\\](b)",
    "<p>[citation needed], f(x), [1], [a](b)</p>",
  ],
  ["- \\[ \\] todo\n- \\[x\\] done", "<ul><li>[ ] todo</li><li>[x] done</li></ul>"],
  ["\\( \\frac{a_1*b_1*c \\)", "<p><var>\\( \\frac{a_1*b_1*c \\)</var></p>"],
  ["\\( a_1 * b_1 * c", "<p><var>\\( a_1 * b_1 * c</var></p>"],
  ["\\[ \\{a_1 * b_1 *\nc", "<p><var>\\[ \\{a_1 * b_1 *\nc</var></p>"],
  [
    "\\( \\unknown{x} \\) \\(\\href{https://example.com}{x}\\)",
    "<p><var>\\( \\unknown{x} \\)</var> <var>\\(\\href{https://example.com}{x}\\)</var></p>",
  ],
];

/** The sources of the formulas that are drawn, as in `formulas`. */
async function drawnFormulas(page: Page): Promise<string> {
  return String(
    await page.evaluate(`JSON.stringify(
      [...document.querySelectorAll(".answer .markdown var:has(> math)")].map((each) =>
        (each.querySelector("math").getAttribute("display") === "block" ? "|" : "") + each.querySelector(".source").textContent,
      ),
    )`),
  );
}

async function untilFormulas(page: Page, count: number) {
  await page
    .locator(".answer .markdown math")
    .nth(count - 1)
    .waitFor();
}

test("formulas are drawn, wherever they stand", async () => {
  const texts = formulas.map(([text]) => text);
  const { page, faults, close } = await answered(world, browser, texts);
  const expected = formulas.flatMap(([, each]) => each);
  await untilFormulas(page, expected.length);
  expect(JSON.parse(await drawnFormulas(page))).toEqual(expected);
  expect(await page.locator(".answer .markdown math msub").first().textContent()).toBe("a1");
  // The source is for copying only.
  expect(await page.locator(".answer .markdown p").first().innerText()).not.toContain("\\");
  expect(await page.locator(".answer .markdown .source").first().isVisible()).toBe(false);
  expect(faults).toEqual([]);
  await close();
});

test("money, code, escapes and mistakes stay the text that they are", async () => {
  const texts = ["\\(x\\)", ...others.map(([text]) => text)];
  const { page, faults, close } = await answered(world, browser, texts);
  await untilFormulas(page, 1);
  const [, ...html] = await drawn(page);
  expect(html).toEqual(others.map(([, expected]) => expected));
  expect(faults).toEqual([]);
  await close();
});

test("what draws formulas is loaded with the first one, from this server", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const half = gateway();
  world.gemini.respondWith(
    answer(say("No formula yet."), half.step, say(" But $x^2$ now."), finish()),
  );
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const loaded: string[] = [];
  visitor.page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await visitor.say("/bot go");
  await visitor.page.getByText("No formula yet.").waitFor();
  const isChunk = (path: string) => /^\/page\/formulas-\w+\.js$/.test(path);
  expect(loaded.filter(isChunk)).toEqual([]);
  half.open();
  await untilFormulas(visitor.page, 1);
  expect(loaded.filter(isChunk)).toHaveLength(1);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("while it can't be loaded, formulas are their source", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  world.gemini.respondWith(answer(say("One $a_1$."), finish()));
  await anna.say(chat.id, "/bot one");
  const { page, rows, close } = await visit(world, browser, { as: anna });
  await page.route(/formulas-\w+\.js/, (route) => route.abort(), { times: 1 });
  const failed = page.waitForEvent("requestfailed");
  await page.goto(`${world.url}/#/chats/${chat.id}`);
  await failed;
  await rows.filter({ hasText: "One $a_1$." }).getByRole("button", { name: "Ask again" }).waitFor();
  await page.reload();
  await untilFormulas(page, 1);
  await close();
});

test("a formula that streams in stays source until it is whole, and the list follows what grows", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const gates = [gateway(), gateway()] as const;
  world.gemini.respondWith(
    answer(
      say(`${"A line.\n\n".repeat(60)}\\[ \\frac{a_1}{b`),
      gates[0].step,
      say("_1} \\]\n\nand \\( c_"),
      gates[1].step,
      say("1 \\). End."),
      finish(),
    ),
  );
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page } = visitor;
  await visitor.say("/bot go");
  await page.getByText("\\[ \\frac{a_1}{b", { exact: true }).waitFor();
  gates[0].open();
  await untilFormulas(page, 1);
  await page.getByText("\\( c_", { exact: true }).waitFor();
  gates[1].open();
  await untilFormulas(page, 2);
  await page.getByRole("button", { name: "Ask again" }).waitFor();
  expect(await page.getByRole("button", { name: "Newest" }).count()).toBe(0);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("a copied formula is its source, and other text is copied as ever", async () => {
  const texts = ["Before $x^2$ **after**.\n\n\\[\n\\frac{1}{2}\n\\]\n\n- item", "plain"];
  const { page, composer, faults, close } = await answered(world, browser, texts, {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await untilFormulas(page, 2);
  async function pasted(from: string, to: string) {
    await page.evaluate(`
      const range = document.createRange();
      range.setStartBefore(document.querySelector(${JSON.stringify(from)}));
      range.setEndAfter(document.querySelector(${JSON.stringify(to)}));
      document.activeElement.blur();
      getSelection().removeAllRanges();
      getSelection().addRange(range);
    `);
    await page.keyboard.press("Control+C");
    await composer.fill("");
    await composer.press("Control+V");
    return await composer.inputValue();
  }
  expect(await pasted(".answer .markdown p", ".answer .markdown ul")).toBe(
    "Before $x^2$ after.\n\n\\[\n\\frac{1}{2}\n\\]\n\nitem",
  );
  const html = await page.evaluate(
    "navigator.clipboard.read().then(async ([item]) => (await item.getType('text/html')).text())",
  );
  expect(String(html)).toMatch(/Before <span[^>]*>\$x\^2\$<\/span> <strong>after<\/strong>\./);
  // A part of a formula is the formula.
  expect(await pasted(".answer .markdown msup > mi", ".answer .markdown msup > mi")).toBe("$x^2$");
  expect(await pasted(".answer .markdown hr + p", ".answer .markdown hr + p")).toBe("plain");
  expect(faults).toEqual([]);
  await close();
});

test("on a phone, a formula that is too wide is scrolled within its answer", async () => {
  const sum = Array.from({ length: 40 }, (_, index) => `a_{${index}}`).join("+");
  const { page, faults, contentWidth, close } = await answered(
    world,
    browser,
    [`Inline \\(${sum}\\) end.`, `$$${sum}$$`, "\\(\\kern-90em x\\)", "$$\\rule{900em}{900em}$$"],
    { colorScheme: "dark" },
  );
  await page.setViewportSize({ width: 360, height: 740 });
  await untilFormulas(page, 4);
  expect(await contentWidth()).toBe(360);
  // Nothing is drawn outside of the answer.
  const outside = await page.evaluate(`(() => {
    const { overflowX, overflowY } = getComputedStyle(document.querySelector(".answer .markdown"));
    return overflowX + " " + overflowY;
  })()`);
  expect(outside).toBe("auto hidden");
  expect(await page.locator("[style*='-90em'], [style*='900em'], [width*='900']").count()).toBe(0);
  expect(faults).toEqual([]);
  await close();
});
