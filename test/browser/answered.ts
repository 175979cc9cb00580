// A room in which the model has answered, and what the page makes of it.
import type { Browser, Page } from "playwright-core";
import { answer, finish, say } from "../world/gemini/script.ts";
import type { World } from "../world/world.ts";
import { visit, type VisitOptions } from "./visitor.ts";

const between = "\n\n***\n\n";

/** Opens a room in which the model has answered with all of these texts, one below the other. */
export async function answered(
  world: World,
  browser: Browser,
  texts: readonly string[],
  options: VisitOptions = {},
) {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Texts" });
  world.gemini.respondWith(answer(say(texts.join(between)), finish()));
  await anna.say(chat.id, "/bot write");
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id, ...options });
  await visitor.rows.getByRole("button", { name: "Ask again" }).waitFor();
  return { ...visitor, anna, chat };
}

/** The HTML of each text of `answered`, without the attributes that every paragraph and every link has. */
export async function drawn(page: Page): Promise<string[]> {
  const html = await page.locator(".answer .markdown").first().innerHTML();
  return html
    .replaceAll(/ (?:dir|target|rel)="[^"]*"/g, "")
    .split("<hr>")
    .map((part) => part.trim().replaceAll(/\n(?=<)/g, ""));
}
