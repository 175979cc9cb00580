// Uploads on the page that are interrupted: by a reload, a pause, another room, and a tab that is closed.
import { expect, test } from "bun:test";
import { chromium, type Page, type Request, type Route } from "playwright-core";
import { enginePath, flags } from "./chromium.ts";
import type { Person } from "../world/world.ts";
import { usePair } from "./pair.ts";
import { visit } from "./visitor.ts";

const pair = usePair();

const partBytes = 8 * 1024 * 1024;
const isPart = (request: Request) =>
  request.method() === "PUT" && request.url().includes("/attachments/uploads/");
const offsetOf = (request: Request) => Number(new URL(request.url()).searchParams.get("offset"));
const list = (page: Page) => page.getByRole("list", { name: "Files of your message" });

/** Chooses a file of two parts and a bit, which is made in the page. */
const chooseFilm = (page: Page) =>
  page.evaluate(`{
    const input = document.querySelector("input[type=file]");
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(${2 * partBytes + 1_000}).fill(102)], "film.bin"));
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }`);

/** The offsets of the parts that a page sends from now on. */
function watchParts(page: Page): number[] {
  const offsets: number[] = [];
  page.on("request", (request) => isPart(request) && offsets.push(offsetOf(request)));
  return offsets;
}

/** Uploads the first part of a file, and holds the second one before it reaches the server. */
async function uploadHalf(page: Page) {
  const routes: Route[] = [];
  let isHolding = true;
  const { promise: held, resolve } = Promise.withResolvers<void>();
  await page.route("**/attachments/uploads/*", async (route, request) => {
    if (!isHolding || !isPart(request) || offsetOf(request) === 0) return await route.continue();
    routes.push(route);
    resolve();
  });
  await chooseFilm(page);
  await held;
  return {
    /** Lets what is sent from now on through; what was held never arrives. */
    drop: () => (isHolding = false),
    letGo: async () => {
      isHolding = false;
      await Promise.all(routes.map((route) => route.continue()));
    },
    /** Loses what is held. A page that is closed sends what is held at that moment. */
    lose: () => Promise.all(routes.splice(0).map((route) => route.abort())),
  };
}

/** Sends the file that the page has, and waits until Ben's page shows it. */
async function send({ annas, bens }: Awaited<ReturnType<typeof pair.open>>) {
  await list(annas.page).getByRole("button", { name: "Remove film.bin" }).waitFor();
  await annas.composer.press("Enter");
  await bens.rows.getByRole("button", { name: /film\.bin/ }).waitFor();
  await list(annas.page).waitFor({ state: "hidden" });
}

test("an upload goes on after a reload with the part at which it was, and is sent once", async () => {
  const opened = await pair.open();
  const { annas, bens, leave } = opened;
  const { page } = annas;
  (await uploadHalf(page)).drop();
  const offsets = watchParts(page);
  await page.reload();
  await send(opened);
  expect(offsets).toEqual([partBytes, 2 * partBytes]);
  await page.reload();
  await annas.rows.getByRole("button", { name: /film\.bin/ }).waitFor();
  await annas.say("No file any more");
  await bens.rows.filter({ hasText: "No file any more" }).waitFor();
  expect(await list(page).isVisible()).toBe(false);
  expect(await bens.rows.count()).toBe(2);
  await leave();
});

test("an upload is paused, also over a reload, keeps the message from being sent, and goes on", async () => {
  const opened = await pair.open();
  const { annas, leave } = opened;
  const { page } = annas;
  const half = await uploadHalf(page);
  await page.getByRole("button", { name: "Pause film.bin" }).click();
  const goOn = page.getByRole("button", { name: "Go on with film.bin" });
  await goOn.waitFor();
  expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
  half.drop();
  const offsets = watchParts(page);
  await page.reload();
  await goOn.waitFor();
  const progress = page.getByRole("progressbar", { name: "Upload of film.bin" });
  expect(Number(await progress.getAttribute("value"))).toBeWithin(0.4, 0.6);
  expect(await list(page).locator("..").getByRole("status").innerText()).toContain("1 paused");
  await goOn.click();
  await send(opened);
  expect(offsets).toEqual([partBytes, 2 * partBytes]);
  await leave();
});

test("an upload that is removed leaves nothing on the server", async () => {
  const { annas, leave } = await pair.open();
  const { page } = annas;
  const half = await uploadHalf(page);
  const cancelled = page.waitForResponse(
    (response) =>
      response.request().method() === "DELETE" && response.url().includes("/attachments/uploads/"),
  );
  await page.getByRole("button", { name: "Cancel film.bin" }).click();
  expect((await cancelled).status()).toBe(200);
  await list(page).waitFor({ state: "hidden" });
  await half.lose();
  expect([...(await pair.world.sql`select from uploads where attachment_id is null`)]).toEqual([]);
  await leave();
});

test("an upload goes on while another room is shown, and waits in its own one", async () => {
  const opened = await pair.open();
  const { annas, chat, leave } = opened;
  const { page } = annas;
  const other = await pair.anna.chat({ with: [pair.ben], name: "Elsewhere" });
  const half = await uploadHalf(page);
  await page.evaluate(`location.hash = "#/chats/${other.id}"`);
  await page.getByRole("textbox", { name: "Message to Elsewhere" }).waitFor();
  expect(await list(page).isVisible()).toBe(false);
  const completed = page.waitForResponse((response) => response.url().endsWith("/complete"));
  await half.letGo();
  await completed;
  expect(await list(page).isVisible()).toBe(false);
  await page.evaluate(`location.hash = "#/chats/${chat.id}"`);
  await send(opened);
  await leave();
});

test("an upload of a room that is not shown goes on after a reload", async () => {
  const opened = await pair.open();
  const { annas, chat, leave } = opened;
  const { page } = annas;
  const other = await pair.anna.chat({ with: [pair.ben], name: "Elsewhere" });
  (await uploadHalf(page)).drop();
  const offsets = watchParts(page);
  await page.evaluate(`location.hash = "#/chats/${other.id}"`);
  await page.getByRole("textbox", { name: "Message to Elsewhere" }).waitFor();
  const completed = page.waitForResponse((response) => response.url().endsWith("/complete"));
  await page.reload();
  await page.getByRole("textbox", { name: "Message to Elsewhere" }).waitFor();
  await completed;
  expect(offsets).toEqual([partBytes, 2 * partBytes]);
  expect(await list(page).isVisible()).toBe(false);
  await page.evaluate(`location.hash = "#/chats/${chat.id}"`);
  await send(opened);
  await leave();
});

test("an upload belongs to one tab, and goes on in another one when that is closed", async () => {
  const { annas, bens, chat } = await pair.open();
  const { page } = annas;
  const half = await uploadHalf(page);
  const tab = await page.context().newPage();
  await tab.goto(`${pair.world.url}/#/chats/${chat.id}`);
  await tab.getByText("Live").first().waitFor();
  expect(await list(tab).isVisible()).toBe(false);
  const offsets = watchParts(tab);
  await half.lose();
  await page.close();
  await list(tab).getByRole("button", { name: "Remove film.bin" }).waitFor();
  expect(offsets).toEqual([partBytes, 2 * partBytes]);
  await annas.close();
  await bens.close();
});

/** The number of files that a page has in IndexedDB. */
const keptIn = (page: Page) =>
  page.evaluate(`new Promise((resolve) => {
    indexedDB.open("gemini-coop-uploads").onsuccess = ({ target: { result } }) => {
      const count = result.transaction("uploads").objectStore("uploads").count();
      count.onsuccess = () => resolve(count.result);
    };
  })`);

test.each<[string, (page: Page, cara: Person) => Promise<unknown>]>([
  ["who signs out", (page) => page.getByRole("button", { name: "Sign out" }).click()],
  [
    "a session that the server ends",
    (_, { id }) => pair.world.sql`delete from sessions where user_id = ${id}`,
  ],
])("%s leaves no file in the browser", async (_, end) => {
  const cara = await pair.world.person("cara");
  const chat = await cara.chat({ with: [pair.ben], name: "Files" });
  const caras = await visit(pair.world, pair.browser, { as: cara, chatId: chat.id });
  const { page } = caras;
  await chooseFilm(page);
  await list(page).getByRole("button", { name: "Remove film.bin" }).waitFor();
  expect(await keptIn(page)).toBe(1);
  await end(page, cara);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  while ((await keptIn(page)) !== 0);
  await caras.close();
});

test("a page that was loaded over plain HTTP uploads files, too", async () => {
  const { chat, leave } = await pair.open();
  const browser = await chromium.launch({
    executablePath: enginePath,
    args: flags.map((flag) => flag.replace("-rules=", "-rules=MAP coop.test 127.0.0.1, ")),
  });
  const { port } = new URL(pair.world.url);
  const url = `http://coop.test:${port}`;
  const annas = await visit({ url }, browser, { as: pair.anna, chatId: chat.id });
  expect(await annas.page.evaluate("isSecureContext")).toBe(false);
  await chooseFilm(annas.page);
  await list(annas.page).getByRole("button", { name: "Remove film.bin" }).waitFor();
  // Chromium says that it leaves a header aside there.
  expect(annas.faults.filter((text) => !text.includes("Opener-Policy"))).toEqual([]);
  await browser.close();
  await leave();
});
