// Failures at unusual moments: while a person signs in, while nobody is, after the end of a client, and beside a wrong clock.
import { afterEach, beforeAll, expect, setSystemTime, test } from "bun:test";
import type { OutboxStore, StoredMessage } from "../../src/client/pending-message.ts";
import { memoryTokens, ProblemError } from "gemini-coop/client";
import { createChatList } from "gemini-coop/client/chat-list";
import { storedTokens } from "gemini-coop/client/stored-tokens";
import { useWorld } from "../world/world.ts";
import { createPeople, tokensOf, until, untilLive, type People } from "./people.ts";

const world = useWorld();
let people: People;
beforeAll(() => {
  people = createPeople(world);
});
afterEach(() => {
  setSystemTime();
  people.closeAll();
});

type Reply = () => Response | Promise<Response>;
const html = (status: number) => () => new Response("<h1>Gateway</h1>", { status });

/** A `fetch` whose next requests of a kind get these replies in place of the server's. */
function replacing(isKind: (url: string, init: RequestInit) => boolean, ...replies: Reply[]) {
  return async (url: string, init: RequestInit) => {
    const reply = isKind(url, init) ? replies.shift() : undefined;
    return (await reply?.()) ?? (await fetch(url, init));
  };
}
const isMe = (url: string) => url.endsWith("/auth/me");

test("a person who could not be read when the socket opened is read after a pause", async () => {
  const ann = await world.person();
  const tokens = memoryTokens();
  tokens.save({ ...tokensOf(ann), expires_at_ms: Date.now() + 3_600_000 });
  const client = people.open({ tokens, fetch: replacing(isMe, html(502), html(200)) });
  client.connect();
  const { user } = await until(client.session, (session) => session.user !== undefined);
  expect(user?.username).toBe(ann.username);
});

test("a sign-in whose person could not be read goes on by itself", async () => {
  const ann = await world.person();
  const lost = () => Promise.reject(new TypeError("lost"));
  const client = people.open({ fetch: replacing(isMe, lost) });
  await expect(client.session.use(tokensOf(ann))).rejects.toMatchObject({ code: "network" });
  const { user } = await until(client.session, (session) => session.user !== undefined);
  expect(user?.username).toBe(ann.username);
  await until(client.connection, ({ state }) => state === "live");
});

test("a page that another server sends with status 200 is no missing network", async () => {
  const isList = (url: string) => url.endsWith("/api/chats");
  const client = await people.signedIn({ fetch: replacing(isList, html(200)) });
  const problem = await client.api.listChats().catch((error) => error);
  expect(problem).toBeInstanceOf(ProblemError);
  expect(problem).toMatchObject({ code: "unexpected_response", status: 200 });
});

test("an edit is repeated while a proxy answers in place of the server", async () => {
  const isEdit = (_: string, { method }: RequestInit) => method === "PATCH";
  const client = await people.signedIn({ fetch: replacing(isEdit, html(502), html(504)) });
  const { id } = await client.api.createChat({ is_group: true });
  const room = client.room(id);
  await untilLive(room);
  const sent = await room.send("Hell").settled;
  if (!sent.ok) throw sent.problem;
  expect(await room.edit(sent.message_id, "Hello")).toEqual({ ok: true });
});

test("what is written while nobody is signed in fails, and the next person does not send it", async () => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const client = await people.signedIn({}, ann);
  const room = client.room(chat.id);
  await untilLive(room);
  await client.session.logout();
  const { settled } = room.send("A secret of Ann");
  await client.session.use(tokensOf(ben));
  expect(await settled).toMatchObject({ ok: false, problem: { code: "signed_out" } });
  await untilLive(client.room(chat.id));
  expect(client.room(chat.id).getSnapshot()).toMatchObject({ messages: [], pending: [] });
});

test("a client that was closed while it read the person touches no stored messages", async () => {
  const ann = await world.person();
  const loads: number[] = [];
  const store: OutboxStore = {
    load: (userId) => (loads.push(userId), [] satisfies StoredMessage[]),
    save: () => undefined,
    remove: () => undefined,
  };
  const tokens = memoryTokens();
  tokens.save({ ...tokensOf(ann), expires_at_ms: Date.now() + 3_600_000 });
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<Response>();
  const reply = () => (asked.resolve(), answered.promise);
  const client = people.open({ tokens, outbox: store, fetch: replacing(isMe, reply) });
  client.connect();
  await asked.promise;
  client.close();
  answered.resolve(Response.json({ id: ann.id, username: ann.username }));
  await Bun.sleep(20);
  expect(loads).toEqual([]);
});

test("a read position that was asked for while an earlier one failed is stored", async () => {
  const positions: number[] = [];
  const [asked, first] = [Promise.withResolvers<void>(), Promise.withResolvers<Response>()];
  const isRead = (url: string, { body }: RequestInit) => {
    if (!url.endsWith("/mark-read")) return false;
    positions.push(JSON.parse(String(body)).seq);
    asked.resolve();
    return true;
  };
  const client = await people.signedIn({ fetch: replacing(isRead, () => first.promise) });
  const { id } = await client.api.createChat({ is_group: true });
  const room = client.room(id);
  await untilLive(room);
  for (const content of ["one", "two"]) await room.send(content).settled;
  const earlier = room.markRead(1);
  await asked.promise;
  const later = room.markRead(2);
  first.resolve(html(502)());
  await Promise.all([earlier, later]);
  expect(positions).toEqual([1, 2]);
});

/** A socket whose server falls silent after the sign-in. */
class SilentSocket extends EventTarget {
  constructor() {
    super();
    queueMicrotask(() => this.dispatchEvent(new Event("open")));
  }

  send(text: string) {
    const { type, request_id } = JSON.parse(text);
    if (type !== "auth") return;
    const data = JSON.stringify({ type: "ack", request_id });
    queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data })));
  }

  close() {}
}

test("a dead connection is noticed although the clock was put back", async () => {
  const timing = { pingMs: 50, replyMs: 50 };
  const client = await people.signedIn({ WebSocket: SilentSocket, timing });
  await until(client.connection, ({ state }) => state === "live");
  setSystemTime(Date.now() - 3_600_000);
  const { reason } = await until(client.connection, ({ state }) => state === "offline");
  expect(reason).toBe("lost");
});

test("the list of chats and typing go on although the clock was put back", async () => {
  const frames: string[] = [];
  class Recording extends WebSocket {
    override send(text: string) {
      frames.push(JSON.parse(text).type);
      super.send(text);
    }
  }
  let loads = 0;
  const isList = (url: string) => url.endsWith("/api/chats") && (loads += 1) > 0;
  const options = { WebSocket: Recording, fetch: replacing(isList) };
  const client = await people.signedIn(options);
  const { id } = await client.api.createChat({ is_group: true });
  const room = client.room(id);
  await untilLive(room);
  const list = createChatList(client);
  const end = list.subscribe(() => undefined);
  await until(list, ({ chats }) => chats?.length === 1);
  room.typing();
  room.typing();
  expect(frames.filter((type) => type === "typing").length).toBe(1);
  setSystemTime(Date.now() - 3_600_000);
  const before = loads;
  await client.api.changeChat(id, { name: "Another" });
  while (loads === before) await Bun.sleep(20);
  // The pause after a frame ends by a timer.
  while (frames.filter((type) => type === "typing").length < 2) {
    await Bun.sleep(20);
    room.typing();
  }
  end();
});

test("tokens that a full storage refuses are kept in memory, and spent ones are not left in it", () => {
  const items = new Map<string, string>();
  let isFull = false;
  const store = storedTokens({
    getItem: (key) => items.get(key) ?? null,
    setItem(key, value) {
      if (isFull) throw new DOMException("full", "QuotaExceededError");
      items.set(key, value);
    },
    removeItem: (key) => void items.delete(key),
  });
  const held = { ...tokensOf({ token: "old" }), expires_at_ms: Date.now() };
  store.save(held);
  isFull = true;
  store.save({ ...held, access_token: "new" });
  expect(store.load()?.access_token).toBe("new");
  expect(items.size).toBe(0);
  store.save(null);
  expect(store.load()).toBeNull();
});
