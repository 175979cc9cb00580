// axe-core finds nothing serious on the page, whatever is open, in light and dark.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { z } from "zod";
import { answer, finish, say } from "../world/gemini/script.ts";
import { startWorld, type World } from "../world/world.ts";
import { choose, openMenu, rowWith } from "./pair.ts";
import { makePng, makeWav } from "../attachments/made-files.ts";
import { uploaded } from "../attachments/files.ts";
import { launchChromium, visit } from "./visitor.ts";

let world: World;
let browser: Browser;
let axe: string;
beforeAll(async () => {
  world = await startWorld();
  browser = await launchChromium();
  axe = await Bun.file(createRequire(import.meta.url).resolve("axe-core/axe.min.js")).text();
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

const Violations = z.array(
  z.object({ impact: z.string(), id: z.string(), nodes: z.array(z.string()) }),
);

/** The violations that axe-core rates as serious or critical. */
async function seriousOn(page: Page) {
  await page.evaluate(axe);
  const found = await page.evaluate(`axe.run(document).then(({ violations }) =>
    JSON.stringify(violations.map(({ impact, id, nodes }) => ({
      impact, id, nodes: nodes.map(({ html, failureSummary }) => html + " " + failureSummary),
    }))))`);
  return Violations.parse(JSON.parse(String(found))).filter(({ impact }) =>
    ["serious", "critical"].includes(impact),
  );
}

test.each([
  ["light", 1280],
  ["dark", 1280],
  ["light", 360],
  ["dark", 360],
] as const)(
  "in a room with all kinds of messages nothing is inaccessible (%s, %d px)",
  async (colorScheme, width) => {
    const anna = await world.person("anna");
    const ben = await world.person("ben");
    const name = `Physics ${colorScheme} ${width}`;
    const chat = await anna.chat({ with: [ben], name });
    const path = `/api/chats/${chat.id}/messages`;
    const code = `let text = "${"long ".repeat(60)}"; // why\nclass A extends B { f(n: number) { return \`\${n + 1}\`; } }`;
    const more =
      "```diff\n-old\n+new\n```\n```css\n.a #b:hover { color: red }\n```\n```yaml\na: [1, true]\n```";
    const long = `\`\`\`ts\n${code}\n\`\`\`\n${more}\n> quoted [link](https://example.com)`;
    const question = await anna.say(chat.id, long);
    world.gemini.respondWith(answer(say(`*Because* \`it\` is.\n\n${long}`), finish()));
    await anna.say(chat.id, "/bot why?");
    const content = `@${anna.username} and @${ben.username}: yes`;
    const reply = { content, reply_to: question.id };
    const { body: replied } = await ben.api("POST", path, reply);
    await ben.api("PATCH", `${path}/${replied.id}`, { content: `${content}!` });
    await ben.api("PUT", `${path}/${question.id}/reactions/${encodeURIComponent("👍")}`);
    const gone = await ben.say(chat.id, "Gone");
    await ben.api("DELETE", `${path}/${gone.id}`);
    const files = [
      await uploaded(world, ben, chat.id, makePng(300, 200), { name: "picture.png" }),
      await uploaded(world, ben, chat.id, makeWav(800), { name: "beep.wav" }),
      await uploaded(world, ben, chat.id, "a file", { name: "file.txt" }),
    ];
    const attached = { content: "", attachment_ids: files.map(({ id }) => id) };
    await ben.api("POST", path, attached);
    await anna.say(chat.id, "The last");

    const visitor = await visit(world, browser, {
      as: anna,
      viewport: { width, height: 740 },
      colorScheme,
    });
    const { page, rows, faults } = visitor;
    await page.getByRole("link", { name }).click();
    const last = rowWith(visitor, "The last");
    await last.waitFor();
    await rows.getByRole("button", { name: "Ask again" }).waitFor();
    expect(await seriousOn(page)).toEqual([]);
    await page.getByRole("button", { name: "Picture picture.png" }).click();
    await page.getByRole("dialog").getByRole("img").waitFor();
    expect(await seriousOn(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await openMenu(last);
    expect(await seriousOn(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await choose(last, "React");
    await page.getByRole("grid").waitFor();
    expect(await seriousOn(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await choose(last, "Reply");
    expect(await seriousOn(page)).toEqual([]);
    await choose(last, "Edit");
    expect(await seriousOn(page)).toEqual([]);
    await choose(last, "Delete");
    await rows.last().getByRole("button", { name: "Undo" }).waitFor();
    expect(await seriousOn(page)).toEqual([]);
    await page.getByRole("button", { name: "(edited)" }).click();
    await page.getByRole("dialog").getByRole("listitem").nth(1).waitFor();
    expect(await seriousOn(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await world.index();
    await page.getByRole("button", { name: "Search this chat" }).click();
    await page.getByRole("searchbox").fill("long");
    await page.getByRole("dialog").getByRole("link").first().waitFor();
    expect(await seriousOn(page)).toEqual([]);
    expect(faults).toEqual([]);
    await visitor.close();
  },
);

test.each([
  ["light", 1280],
  ["dark", 1280],
  ["light", 360],
  ["dark", 360],
] as const)(
  "in people's cards, the settings and the search for people nothing is inaccessible (%s, %d px)",
  async (colorScheme, width) => {
    const anna = await world.person("anna");
    const ben = await world.person("ben");
    const display_name = `Ben ${ben.username}`;
    await ben.api("PATCH", "/api/auth/me", { display_name, bio: "Optics" });
    const name = `Optics ${colorScheme} ${width}`;
    const chat = await anna.chat({ with: [ben], name });
    await ben.say(chat.id, "Hello");
    const visitor = await visit(world, browser, {
      as: anna,
      viewport: { width, height: 740 },
      colorScheme,
    });
    const { page, faults } = visitor;
    await page.getByRole("button", { name: "Your settings" }).click();
    for (const section of [
      "Profile",
      "Privacy",
      "Password",
      "Sessions",
      "Access keys",
      "Bots",
      "Email",
      "Second factor",
    ]) {
      await page.getByRole("tab", { name: section }).click();
      await page.getByRole("tabpanel", { name: section }).waitFor();
      expect([section, await seriousOn(page)]).toEqual([section, []]);
    }
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name }).click();
    await choose(rowWith(visitor, "Hello"), "Profile");
    const card = page.getByRole("dialog", { name: display_name });
    await card.getByText("Optics").waitFor();
    expect(await seriousOn(page)).toEqual([]);
    await card.getByRole("button", { name: "Block" }).click();
    await card.getByRole("button", { name: "Block: really?" }).click();
    await card.getByRole("button", { name: "Unblock" }).waitFor();
    await page.keyboard.press("Escape");
    expect(await seriousOn(page)).toEqual([]);
    const cat = await world.person("catherine");
    await page.getByRole("button", { name: /^People/ }).click();
    await page.getByRole("combobox", { name: "Invite somebody" }).fill(cat.username);
    await page.getByRole("option").getByText(cat.username).waitFor();
    expect(await seriousOn(page)).toEqual([]);
    expect(faults).toEqual([]);
    expect(await visitor.contentWidth()).toBeLessThanOrEqual(width);
    await visitor.close();
  },
);
