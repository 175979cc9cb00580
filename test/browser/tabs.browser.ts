// Several tabs of one person, whose access tokens expire within seconds: each refresh token is exchanged by one tab, and
// all of them stay signed in.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { z } from "zod";
import { startWorld, type World } from "../world/world.ts";
import { enginePath, flags } from "./chromium.ts";

const tabsCount = 3;
const renewals = 4;
const password = "correct horse battery";
/** A host name, which unlike 127.0.0.1 is no secure context over plain HTTP: it has no Web Locks. */
const hostName = "coop.test";

let world: World;
let browser: Browser;
beforeAll(async () => {
  world = await startWorld({ config: { accessTokenTtlSeconds: 5 } });
  const resolved = `--host-resolver-rules=MAP ${hostName} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`;
  const others = flags.filter((flag) => !flag.startsWith("--host-resolver-rules"));
  browser = await chromium.launch({ executablePath: enginePath, args: [...others, resolved] });
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

async function signIn(page: Page, username: string) {
  await page.getByRole("textbox", { name: "Username" }).fill(username);
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await untilLive(page);
}

const untilLive = (page: Page) =>
  page.getByRole("status").filter({ hasText: "Live" }).first().waitFor();

/** Somebody new who is signed in in several tabs, and the refresh tokens that these have sent. */
async function openTabs(username: string, url: string) {
  const email = `${username}@example.com`;
  await world.call("POST", "/api/auth/register", { username, email, password });
  const context = await browser.newContext();
  const exchanged: { token: string; status: number | undefined }[] = [];
  const listeners = new Set<() => void>();
  context.on("requestfinished", async (request) => {
    if (!request.url().endsWith("/api/auth/refresh")) return;
    const { refresh_token: token } = z
      .object({ refresh_token: z.string() })
      .parse(request.postDataJSON());
    const response = await request.response();
    exchanged.push({ token, status: response?.status() });
    for (const listener of listeners) listener();
  });
  const pages: Page[] = [];
  for (let number = 1; number <= tabsCount; number += 1) {
    const page = await context.newPage();
    await page.goto(url);
    if (number === 1) await signIn(page, username);
    else await untilLive(page);
    pages.push(page);
  }
  /** Settles when there were as many exchanges from now on, and none was refused. */
  async function untilExchanged(count: number) {
    const wanted = exchanged.length + count;
    while (exchanged.length < wanted) {
      await new Promise<void>((resolve) => listeners.add(resolve));
      expect(exchanged.map(({ status }) => status)).toEqual(exchanged.map(() => 200));
    }
  }
  return { context, pages, exchanged, untilExchanged };
}

async function expectSignedIn(pages: Page[]) {
  for (const page of pages) {
    await untilLive(page);
    expect(await page.getByRole("button", { name: "Sign in", exact: true }).count()).toBe(0);
  }
}

async function sessionsOf(username: string): Promise<number> {
  const rows = await world.sql`
    select 1 from sessions join users on users.id = sessions.user_id where username = ${username}
  `;
  return rows.length;
}

const reuses = () =>
  world.sql`select 1 from audit_events where outcome = 'token_reused'`.then((rows) => rows.length);

test.each<[where: string, host: string, hasLocks: boolean]>([
  ["with Web Locks", "127.0.0.1", true],
  ["on a host name over plain HTTP, without Web Locks", hostName, false],
])("all tabs stay signed in through renewals of the token %s", async (_, host, hasLocks) => {
  const url = world.url.replace("127.0.0.1", host);
  const username = hasLocks ? "ann" : "ben";
  const { context, pages, exchanged, untilExchanged } = await openTabs(username, url);
  expect(await pages[0]?.evaluate("'locks' in navigator")).toBe(hasLocks);
  await untilExchanged(renewals);
  await expectSignedIn(pages);
  // No refresh token was sent twice.
  expect(new Set(exchanged.map(({ token }) => token)).size).toBe(exchanged.length);
  expect(await sessionsOf(username)).toBe(1);
  expect(await reuses()).toBe(0);
  await context.close();
});

/** Loses one refresh: the request does not reach the server, or the reply does not reach the page. */
async function loseOne(context: BrowserContext, what: "request" | "reply") {
  const path = "**/api/auth/refresh";
  let isLost = false;
  await context.route(path, async (route) => {
    if (isLost) return await route.continue();
    isLost = true;
    // This process does not resolve the host name.
    const url = route.request().url().replace(hostName, "127.0.0.1");
    if (what === "reply") await route.fetch({ url });
    await route.abort("connectionreset");
  });
}

test.each<[what: "request" | "reply", where: string, host: string]>([
  ["request", "with Web Locks", "127.0.0.1"],
  ["request", "without Web Locks", hostName],
  ["reply", "with Web Locks", "127.0.0.1"],
  ["reply", "without Web Locks", hostName],
])("a refresh whose %s is lost signs nobody out, %s", async (what, _, host) => {
  const username = host === hostName ? `cat_${what}` : `dan_${what}`;
  const url = world.url.replace("127.0.0.1", host);
  const { context, pages, untilExchanged } = await openTabs(username, url);
  await loseOne(context, what);
  await untilExchanged(renewals);
  await expectSignedIn(pages);
  expect(await sessionsOf(username)).toBe(1);
  await context.close();
});

test.each<[where: string, host: string]>([
  ["with Web Locks", "127.0.0.1"],
  ["without Web Locks", hostName],
])("a tab that is closed while it renews leaves the renewal to the others, %s", async (_, host) => {
  const username = host === hostName ? "fay" : "gus";
  const url = world.url.replace("127.0.0.1", host);
  const { context, pages, untilExchanged } = await openTabs(username, url);
  let closed: Page | undefined;
  await context.route("**/api/auth/refresh", async (route) => {
    if (closed) return await route.continue();
    // The server receives the request nevertheless, and nobody its reply.
    closed = route.request().frame().page();
    await closed.close();
  });
  await untilExchanged(2);
  expect(closed).toBeDefined();
  await expectSignedIn(pages.filter((page) => page !== closed));
  expect(await sessionsOf(username)).toBe(1);
  await context.close();
});

const reasonIn = (page: Page) =>
  page.getByRole("alert").filter({ hasText: "Your session was ended elsewhere" });

test("signing out in one tab signs out all, and the others say why", async () => {
  const { context, pages } = await openTabs("eve", world.url);
  const [first, ...others] = pages;
  await first?.getByRole("button", { name: "Sign out" }).click();
  for (const page of others) {
    await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    await reasonIn(page).waitFor();
  }
  expect(first && (await reasonIn(first).count())).toBe(0);
  expect(await sessionsOf("eve")).toBe(0);
  await context.close();
});

test("when a session is ended on another device, its tabs say so, but not after a sign-out there", async () => {
  const { context, pages } = await openTabs("hal", world.url);
  const login = { username: "hal", password };
  const { body } = await world.call("POST", "/api/auth/login", login);
  const headers = { authorization: `Bearer ${body.access_token}` };
  expect((await world.call("DELETE", "/api/auth/sessions", undefined, headers)).status).toBe(200);
  for (const page of pages) await reasonIn(page).waitFor();
  const [first] = pages;
  if (!first) throw new Error("no tab was opened");
  await signIn(first, "hal");
  await first.getByRole("button", { name: "Sign out" }).click();
  await first.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  expect(await reasonIn(first).count()).toBe(0);
  await context.close();
});
