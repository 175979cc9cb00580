// Two people who look at the same room, and what they do with its messages.
import { expect } from "bun:test";
import type { Browser, Locator } from "playwright-core";
import type { Person, World } from "../world/world.ts";
import { visit } from "./visitor.ts";

export type Visitor = Awaited<ReturnType<typeof visit>>;

interface Pair {
  world: World;
  browser: Browser;
  anna: Person;
  ben: Person;
}

/** Anna's chat with Ben, on the pages of both. @param before fills the chat before they come */
export async function twoInARoom(
  { world, browser, anna, ben }: Pair,
  before: (chatId: number) => Promise<unknown> = async () => {},
) {
  const chat = await anna.chat({ with: [ben], name: "Physics" });
  await before(chat.id);
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  return {
    chat,
    annas,
    bens,
    async leave() {
      expect([...annas.faults, ...bens.faults]).toEqual([]);
      await annas.close();
      await bens.close();
    },
  };
}

/** Opens the menu of a message. @returns its items */
export async function openMenu(row: Locator) {
  await row.hover();
  await row.getByRole("button", { name: /^Actions for/ }).click();
  return row.page().getByRole("menu").getByRole("menuitem");
}

export async function choose(row: Locator, item: string) {
  await (await openMenu(row)).filter({ hasText: item }).click();
}

export const focused = ({ page }: Visitor, what: Locator) =>
  what.and(page.locator(":focus")).waitFor();

export const rowWith = ({ rows }: Visitor, hasText: string) => rows.filter({ hasText }).first();
