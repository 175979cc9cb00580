import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { answer, finish, refuse, say } from "../world/gemini/script.ts";
import { gateway } from "../answers/asking.ts";
import { startWorld, type World } from "../world/world.ts";
import { launchChromium, visit } from "./visitor.ts";

let world: World;
let browser: Browser;
beforeAll(async () => {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  // A page finds its server again where it was.
  world = await startWorld({ env: { PORT: String(port) } });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

/** Two people who look at the same room. */
async function twoInARoom(more: Record<string, unknown> = {}) {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const chat = await anna.chat({ with: [ben], name: "Physics", ...more });
  const annas = await visit(world, browser, { as: anna, chatId: chat.id });
  const bens = await visit(world, browser, { as: ben, chatId: chat.id });
  return {
    anna,
    ben,
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

test("two browsers in a room see each other, and the same answer as it is written", async () => {
  const { anna, ben, annas, bens, leave } = await twoInARoom();
  await annas.page.getByText(`${ben.username} is here`).waitFor();
  await bens.composer.pressSequentially("Hi");
  await annas.page.getByText(`${ben.username} is writing`).waitFor();
  await bens.composer.fill("Hello,\nAnna");
  await bens.composer.press("Enter");
  const hello = annas.rows.filter({ hasText: /Hello,\s*Anna/ }).locator(".text");
  await hello.waitFor();
  expect(await hello.innerText()).toBe("Hello,\nAnna");

  const half = gateway();
  world.gemini.respondWith(answer(say("It **scat"), half.step, say("ters**."), finish()));
  await annas.say("/bot Why is the sky blue?");
  for (const { page, rows } of [annas, bens]) {
    await rows.filter({ hasText: "It **scat" }).getByText("Writing…").waitFor();
    const news = page.getByRole("log");
    await news.getByText("Gemini is answering").waitFor();
    expect(await news.getByText("scat").count()).toBe(0);
  }
  half.open();
  for (const { page, rows } of [annas, bens]) {
    await rows.last().getByRole("button", { name: "Ask again" }).waitFor();
    expect(await rows.last().locator(".markdown strong").textContent()).toBe("scatters");
    await page.getByRole("log").getByText("Gemini: It **scatters**.").waitFor();
  }
  expect(await annas.rows.allInnerTexts()).toHaveLength(3);
  expect(await annas.rows.first().innerText()).toContain(ben.username);
  expect(await bens.rows.nth(1).innerText()).toContain(anna.username);
  await leave();
});

test("who reloads in the middle of an answer sees it from its beginning to its end", async () => {
  const { annas, bens, leave } = await twoInARoom();
  const half = gateway();
  world.gemini.respondWith(answer(say("First half, "), half.step, say("second half."), finish()));
  await annas.say("/bot well?");
  await bens.rows.filter({ hasText: "First half," }).waitFor();
  await bens.page.reload();
  await bens.rows.filter({ hasText: "First half," }).getByText("Writing…").waitFor();
  half.open();
  for (const { rows } of [annas, bens]) {
    await rows.filter({ hasText: "First half, second half." }).waitFor();
    expect(await rows.count()).toBe(2);
  }
  await leave();
});

test("a restart of the server is told, and what is said meanwhile arrives once and in order", async () => {
  const { annas, bens } = await twoInARoom();
  const half = gateway();
  world.gemini.respondWith(
    answer(say("Before "), half.step),
    // Another server goes on where the first had to leave off.
    answer(say("and after."), finish()),
  );
  await annas.say("/bot go on");
  await bens.rows.filter({ hasText: "Before" }).waitFor();
  await world.restart(async () => {
    for (const { page } of [annas, bens]) {
      await page.getByRole("status").filter({ hasText: "Offline" }).first().waitFor();
    }
    await annas.say("one");
    await annas.say("two");
    await annas.rows.filter({ hasText: "two" }).getByText("Waiting to be sent").waitFor();
  });
  await bens.say("three");
  for (const { page, rows } of [annas, bens]) {
    await page.getByRole("status").filter({ hasText: "Live" }).first().waitFor();
    await rows.filter({ hasText: "and after." }).waitFor();
    await rows.filter({ hasText: "three" }).waitFor();
    await rows.filter({ hasText: "two" }).waitFor();
  }
  const said = async (visitor: typeof annas) =>
    (await visitor.rows.locator(".text").allInnerTexts()).filter((text) => text !== "three");
  expect(await said(annas)).toEqual(["/bot go on", "one", "two"]);
  expect(await said(bens)).toEqual(["/bot go on", "one", "two"]);
  await annas.close();
  await bens.close();
});

test("anybody stops an answer, and asks again; others see both", async () => {
  const { annas, bens, leave } = await twoInARoom();
  world.gemini.respondWith(answer(say("Never-ending "), gateway().step));
  await annas.say("/bot talk");
  await annas.say("In between");
  const row = bens.rows.filter({ hasText: "Never-ending" });
  await row.getByRole("button", { name: "Stop" }).press("Enter");
  await annas.rows.filter({ hasText: "Never-ending" }).getByText("Stopped.").waitFor();
  // The button that has the focus asks again now.
  await row.getByRole("button", { name: "Ask again" }).and(bens.page.locator(":focus")).waitFor();
  world.gemini.respondWith(answer(say("Short."), finish()));
  await annas.rows
    .filter({ hasText: "Never-ending" })
    .getByRole("button", { name: "Ask again" })
    .click();
  for (const { rows } of [annas, bens]) {
    const second = rows.filter({ hasText: "Short." });
    await second.getByRole("button", { name: "Ask again" }).waitFor();
    // It does not stand below its question, and says which that was.
    expect(await second.innerText()).toContain("/bot talk");
    expect(await rows.count()).toBe(4);
  }
  await leave();
});

test("an answer that is not whole says why, and a message that was refused can be sent again", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ is_ai_chat: true });
  const visitor = await visit(world, browser, { as: anna });
  const { page, rows } = visitor;
  await page.routeWebSocket(/\/ws/, (socket) => {
    const server = socket.connectToServer();
    let isRefused = false;
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (frame.type !== "message" || isRefused) return server.send(text);
      isRefused = true;
      const { request_id } = frame;
      const error = { type: "error", request_id, code: "forbidden", detail: "Not on a Monday." };
      socket.send(JSON.stringify(error));
    });
  });
  await page.goto(`${world.url}/#/chats/${chat.id}`);
  await page.reload();
  world.gemini.respondWith(refuse(400));
  await visitor.say("Anything new?");
  const own = rows.filter({ hasText: "Anything new?" });
  await own.getByRole("alert").filter({ hasText: "Not sent. Not on a Monday." }).waitFor();
  const stored = async () => (await anna.api("GET", `/api/chats/${chat.id}/messages`)).body.length;
  // Only the greeting is stored.
  expect(await stored()).toBe(1);
  await own.getByRole("button", { name: "Try again" }).click();
  await rows.last().getByText("This answer failed. Gemini did not accept this question.").waitFor();
  expect(await own.count()).toBe(1);
  expect(await stored()).toBe(3);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("older messages come as one scrolls up, and what one reads stays in its place", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  for (let number = 1; number <= 120; number += 1) await anna.say(chat.id, `line ${number}.`);
  const { page, rows, faults, close } = await visit(world, browser, {
    as: anna,
    chatId: chat.id,
  });
  await rows.filter({ hasText: "line 120." }).waitFor();
  expect(await rows.count()).toBe(50);
  const reading = rows.filter({ hasText: "line 80." });
  // In one step: scrolling to the line first may load older messages already, above which the start then is.
  await page.evaluate("document.querySelector('.messages').scrollTop = 0");
  const top = async () => Math.round((await reading.boundingBox())?.y ?? Number.NaN);
  await rows.nth(99).waitFor();
  expect(await top()).toBeGreaterThan(0);
  expect(await top()).toBeLessThan(800);
  await page.getByRole("button", { name: "Newest" }).click();
  await rows.filter({ hasText: "line 120." }).waitFor();
  expect(faults).toEqual([]);
  await close();
});
