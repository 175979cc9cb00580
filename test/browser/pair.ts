// Two people who look at the same room, and what they do with its messages.
import { afterAll, beforeAll, expect } from "bun:test";
import type { Browser, Locator } from "playwright-core";
import { useWorld, type Person, type World, type WorldOptions } from "../world/world.ts";
import { enginePath } from "./chromium.ts";
import { launchChromium, visit } from "./visitor.ts";

export type Visitor = Awaited<ReturnType<typeof visit>>;

/** Anna and Ben, in a world and a Chromium that run during the tests of a file. */
class Pair {
  readonly world: World;
  readonly #executablePath: string;
  #found: { browser: Browser; anna: Person; ben: Person } | undefined;

  constructor(world: World, executablePath: string) {
    this.world = world;
    this.#executablePath = executablePath;
  }

  get #running() {
    if (!this.#found) throw new Error("the browser runs only within tests and their hooks");
    return this.#found;
  }

  get browser() {
    return this.#running.browser;
  }

  get anna() {
    return this.#running.anna;
  }

  get ben() {
    return this.#running.ben;
  }

  async start(): Promise<void> {
    const { world } = this;
    const [anna, ben] = [await world.person("anna"), await world.person("ben")];
    this.#found = { browser: await launchChromium(this.#executablePath), anna, ben };
  }

  /** Anna's chat with Ben, on the pages of both. @param before fills the chat before they come */
  open(before?: (chatId: number) => Promise<unknown>) {
    return twoInARoom(this, before);
  }
}

/** Starts Chromium and a world before the first test of a file, and stops them after the last one. */
export function usePair(options: WorldOptions = {}, executablePath = enginePath): Pair {
  // Before the world stops, so that no page looks for its server.
  afterAll(() => pair.browser.close());
  const pair = new Pair(useWorld(options), executablePath);
  beforeAll(() => pair.start());
  return pair;
}

async function twoInARoom(
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
