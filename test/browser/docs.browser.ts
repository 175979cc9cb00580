// The pages at /docs as a reader's browser shows them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { z } from "zod";
import { startWorld, type World } from "../world/world.ts";
import { desktop, openPage, overflowOf, phone, type Look, type Visit } from "./visit.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

async function visit(path: string, look: Look): Promise<Visit> {
  const visited = await openPage(look);
  await visited.page.goto(world.url + path);
  return visited;
}

/** Everything went well, and nothing was asked of anybody else. */
function expectClean({ faults, requests }: Visit) {
  expect(faults).toEqual([]);
  expect(requests.length).toBeGreaterThan(1);
  for (const request of requests) expect(request).toMatch(/^(http:\/\/127\.0\.0\.1:|data:)/);
}

/** The contrast of each text with what is behind it, as WCAG 2.2 defines it: 1 to 21. */
async function contrastsOf(page: Page, selector: string): Promise<number[]> {
  const colors = await page.evaluate(`
    [...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => {
      let behind = element;
      while (/, 0\\)$/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
      return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
    })
  `);
  return z
    .array(z.tuple([z.string(), z.string()]))
    .parse(colors)
    .map((pair) => {
      const [dark = 0, light = 0] = pair.map(luminanceOf).toSorted((a, b) => a - b);
      return (light + 0.05) / (dark + 0.05);
    });
}

/** @param color as computed styles have it, such as `rgb(255, 255, 255)` */
function luminanceOf(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/\d+/g) ?? []).map((channel) => {
    const share = Number(channel) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const looks: [name: string, look: Look][] = [
  ["a phone", phone],
  ["a phone in the dark", { ...phone, colors: "dark" }],
  ["a desktop", desktop],
  ["a desktop in the dark", { ...desktop, colors: "dark" }],
];

describe.each(looks)("on %s", (_, look) => {
  test("/docs and /docs/socket fit, in the reader's colours, without a fault", async () => {
    const visited = await visit("/docs", look);
    try {
      const { page } = visited;
      await page.locator("#operations-Authentication-login").waitFor();
      expect(await overflowOf(page)).toBe(0);
      expect(await page.evaluate("document.documentElement.classList.contains('dark-mode')")).toBe(
        look.colors === "dark",
      );
      const contrasts = await contrastsOf(page, ".info .title .version");
      expect(contrasts.map((contrast) => contrast >= 4.5)).toEqual([true, true]);
      await page.getByRole("link", { name: "Socket", exact: true }).click();
      await page.getByRole("heading", { name: "Close codes" }).waitFor();
      expect(await overflowOf(page)).toBe(0);
      const ground = String(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      expect(ground).toBe(look.colors === "dark" ? "rgb(23, 23, 26)" : "rgb(255, 255, 255)");
      await page.getByRole("link", { name: "HTTP", exact: true }).first().click();
      await page.locator("#operations-Authentication-login").waitFor();
      expectClean(visited);
    } finally {
      await visited.close();
    }
  });
});

test.each<[name: string, look: Look]>([
  ["a phone", phone],
  ["a desktop", desktop],
])("on %s, register, login, Authorize and Try it out work", async (_, look) => {
  const { page, ...visited } = await visit("/docs", look);
  try {
    const username = `reader_${look.width}`;
    async function tryOut(operation: string, body?: object) {
      const block = page.locator(`#operations-${operation}`);
      await block.locator(".opblock-summary-control").click();
      if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
      await block.locator("button.execute").click();
      const live = block.locator(".live-responses-table");
      await live.waitFor();
      expect(await overflowOf(page)).toBe(0);
      const status = await live.locator(".response-col_status").last().innerText();
      const text = await live.locator(".highlight-code code").first().innerText();
      return { status: Number.parseInt(status, 10), body: JSON.parse(text) };
    }

    const password = "correct horse battery";
    const email = `${username}@example.com`;
    const registered = await tryOut("Authentication-register", { username, email, password });
    expect(registered).toMatchObject({ status: 200, body: { username } });
    const login = await tryOut("Authentication-login", { username, password });
    expect(login.status).toBe(200);

    await page.locator("button.authorize").first().click();
    // The other one is for access keys.
    const session = page.locator(".auth-container form").filter({ hasText: "bearer (" });
    await session.locator("input").fill(login.body.access_token);
    await session.locator("button.authorize").click();
    await session.locator(".btn-done").click();

    expect(await tryOut("Authentication-getMe")).toMatchObject({ status: 200, body: { email } });
    const chat = await tryOut("Chats-createChat", { name: "From the docs", is_group: true });
    expect(chat).toMatchObject({ status: 200, body: { name: "From the docs" } });
    expectClean({ page, ...visited });
  } finally {
    await visited.close();
  }
});

test("the links of /docs/socket lead to what they name", async () => {
  const visited = await visit("/docs/socket", phone);
  try {
    const { page } = visited;
    await page.locator("#ClientJoin .reply").getByRole("link", { name: "joined" }).click();
    expect(new URL(page.url()).hash).toBe("#ServerJoined");
    const top = await page
      .locator("#ServerJoined")
      .evaluate((it) => it.getBoundingClientRect().top);
    expect(Math.abs(top)).toBeLessThan(phone.height);
    expectClean(visited);
  } finally {
    await visited.close();
  }
});
