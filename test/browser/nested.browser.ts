// A client of another origin that was written for the FastAPI server: it reads nested frames only, never renews its token,
// and leaves and joins its chats each time that its list of them changes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { gateway } from "../answers/asking.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import { startWorld, type World } from "../world/world.ts";
import { desktop, openPage, type Visit } from "./visit.ts";

const frontend = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: { "/": new Response(Bun.file(new URL("nested-page.html", import.meta.url).pathname)) },
  fetch: () => new Response(null, { status: 204 }),
});
const origin = `http://127.0.0.1:${frontend.port}`;
let world: World;
const visits: Visit[] = [];
beforeAll(async () => {
  world = await startWorld({ env: { CORS_ORIGINS: origin } });
});
afterAll(async () => {
  for (const each of visits) await each.close();
  await world.stop();
  await frontend.stop(true);
});

class Visitor {
  constructor(
    readonly name: string,
    readonly page: Page,
  ) {}

  /** Calls a function of the page's client. */
  client<T>(code: string): Promise<T> {
    return this.page.evaluate<T>(`window.client.${code}`);
  }

  call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.client(
      `call(${JSON.stringify(method)}, ${JSON.stringify(path)}, ${JSON.stringify(body)})`,
    );
  }

  say(text: string): Promise<void> {
    return this.client(`say(${JSON.stringify(text)})`);
  }

  async sees(selector: string, text: string): Promise<void> {
    await this.page.locator(selector).filter({ hasText: text }).first().waitFor();
  }
}

async function visitor(name: string): Promise<Visitor> {
  const password = "correct horse battery";
  await world.call("POST", "/api/auth/register", {
    username: name,
    email: `${name}@example.com`,
    password,
  });
  const opened = await openPage(desktop);
  visits.push(opened);
  await opened.page.goto(`${origin}/?api=${encodeURIComponent(world.url)}`);
  await opened.page.waitForFunction("document.title === 'ready'");
  const visitor = new Visitor(name, opened.page);
  await visitor.client(`signIn(${JSON.stringify(name)}, ${JSON.stringify(password)})`);
  return visitor;
}

test("two people walk the whole path in a client that reads nested frames only", async () => {
  const [ann, ben] = [await visitor("annabel"), await visitor("benjamin")];
  const found = await ann.call<{ id: number; username: string }[]>(
    "GET",
    "/api/users/search?query=NJAM",
  );
  expect(found.map(({ username }) => username)).toEqual(["benjamin"]);
  const benId = found[0]?.id;
  const group = { name: "Group", is_group: true, participant_usernames: ["benjamin"] };
  const { id } = await ann.call<{ id: number }>("POST", "/api/chats", group);
  await ben.sees("#chats li", "Group (0)");

  await ann.client(`open(${id})`);
  await ann.say("Hello ");
  await ann.sees("#room p", "annabel: Hello  []");
  await ben.sees("#chats li", "Group (1): Hello");
  await ben.client(`open(${id})`);
  await ben.sees("#chats li", "Group (0)");
  await ann.sees("#room p", "annabel: Hello  [benjamin]");
  await ben.client("typing()");
  await ann.sees("#typing", "benjamin is typing");

  const half = gateway();
  world.gemini.respondWith(answer(say("It scat"), half.step, say("ters."), finish()));
  await ann.say("/bot Why?");
  for (const each of [ann, ben]) await each.sees("#room p", "Gemini: It scat");
  half.open();
  for (const each of [ann, ben]) await each.sees("#room p", "Gemini: It scatters.");

  for (let n = 1; n <= 16; n += 1) await ann.say(`burst ${n}.`);
  for (const each of [ann, ben]) await each.sees("#room p", "burst 16.");
  for (const { page } of [ann, ben]) {
    const texts = await page.locator("#room p").allTextContents();
    const burst = texts.flatMap((text) => /burst \d+\./.exec(text) ?? []);
    expect(burst).toEqual(Array.from({ length: 16 }, (_, n) => `burst ${n + 1}.`));
  }

  const ai = await ben.call<{ id: number }>("POST", "/api/chats", { is_ai_chat: true });
  await ben.client(`open(${ai.id})`);
  world.gemini.respondWith(answer(say("Anything."), finish()));
  await ben.say("What can you do?");
  await ben.sees("#room p", "Gemini: Anything.");

  await ann.call("DELETE", `/api/chats/${id}/participants/${benId}`);
  await ben.page.locator("#chats li").filter({ hasText: "Group" }).waitFor({ state: "detached" });
  await ann.say("Not for Ben");
  await ann.call("POST", `/api/chats/${id}/invite`, { username: "benjamin" });
  await ben.sees("#chats li", "Group");
  await ben.page.reload();
  await ben.sees("#chats li", "Group");
  await ben.call("POST", `/api/chats/${id}/leave`);
  await ben.page.locator("#chats li").filter({ hasText: "Group" }).waitFor({ state: "detached" });
  await ann.call("DELETE", `/api/chats/${id}`);
  await ann.page.locator("#chats li").waitFor({ state: "detached" });
  await ben.client("signOut()");
  await ben.page.waitForFunction("document.title === 'signed out'");
  expect(visits.flatMap(({ faults }) => faults)).toEqual([]);
});
