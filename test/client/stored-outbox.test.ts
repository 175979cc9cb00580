// Messages that outlive the client that was to send them.
import { afterEach, beforeAll, beforeEach, expect, setSystemTime, test } from "bun:test";
import { Outbox } from "../../src/client/outbox.ts";
import type { OutboxStore, StoredMessage } from "../../src/client/pending-message.ts";
import type { BrowserStorage } from "../../src/client/stored-entries.ts";
import { ProblemError } from "gemini-coop/client";
import { storedOutbox } from "gemini-coop/client/stored-outbox";
import { startFaultProxy } from "gemini-coop/client/faults";
import { uploaded } from "../attachments/files.ts";
import { useWorld, type World } from "../world/world.ts";
import { createPeople, until, untilLive, type People } from "./people.ts";

const world = useWorld();
let people: People;
let storage: Map<string, string>;
beforeAll(async () => {
  people = createPeople(world);
});
beforeEach(() => {
  storage = new Map();
});
afterEach(() => {
  setSystemTime();
  people.closeAll();
});

/** A browser's storage, which refuses whatever `refuses` says. */
function browserStorage(refuses: (text: string) => boolean = () => false): BrowserStorage {
  return {
    get length() {
      return storage.size;
    },
    key: (index) => [...storage.keys()][index] ?? null,
    getItem: (key) => storage.get(key) ?? null,
    setItem(key, value) {
      if (refuses(value)) throw new DOMException("full", "QuotaExceededError");
      storage.set(key, value);
    },
    removeItem: (key) => void storage.delete(key),
  };
}

const message = (more: Partial<StoredMessage> = {}): StoredMessage => ({
  client_id: "1",
  chat_id: 1,
  content: "Hello!",
  reply_to: undefined,
  created_at: new Date().toISOString(),
  failure: undefined,
  ...more,
});

/** An outbox without a connection. */
function outboxWith(store: OutboxStore) {
  return new Outbox({
    connection: { isOpen: false, request: () => undefined },
    timing: { replyMs: 1_000, giveUpMs: 600_000 },
    pauseMs: () => 0,
    store,
    onChange: () => undefined,
    signedIn: () => true,
    onStored: () => false,
  });
}

test("the same person's next client sends what was left, in order and once, and another person's sends nothing", async () => {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  const outbox = storedOutbox(browserStorage());
  const proxy = await startFaultProxy({ target: world.url, seed: "outbox" });
  const cutOff = await people.signedIn({ url: proxy.url, outbox }, ann);
  const room = cutOff.room(chat.id);
  await untilLive(room);
  await proxy.stop();
  const sending = ["one", "two", "three"].map((content) => room.send(content));
  cutOff.close();
  for (const { settled } of sending) expect(await settled).toMatchObject({ ok: false });
  expect(storage.size).toBe(3);

  const bens = await people.signedIn({ outbox }, ben);
  const bensRoom = bens.room(chat.id);
  await untilLive(bensRoom);
  expect(bensRoom.getSnapshot()).toMatchObject({ messages: [], pending: [] });
  // Two tabs at the same time.
  for (let tab = 0; tab < 2; tab += 1) await people.signedIn({ outbox }, ann);
  const { messages } = await until(bensRoom, (now) => now.messages.length >= 3);
  expect(messages.map(({ content }) => content)).toEqual(["one", "two", "three"]);
  expect(messages.map(({ client_id }) => client_id)).toEqual(sending.map((each) => each.clientId));
  while (storage.size > 0) await new Promise((resolve) => setImmediate(resolve));
  const stored = await ann.api("GET", `/api/chats/${chat.id}/messages`);
  expect(stored.body).toHaveLength(3);
});

test("a session that ends keeps what is pending for the person's next sign-in", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const outbox = storedOutbox(browserStorage());
  const client = await people.signedIn({ outbox }, ann);
  client.disconnect();
  const { settled } = client.room(chat.id).send("Still here");
  await client.session.logout();
  expect(await settled).toMatchObject({ ok: false, problem: { code: "signed_out" } });
  expect(storage.size).toBe(1);
  const again = await people.signedIn({ outbox }, await sessionOf(ann));
  const { messages } = await until(again.room(chat.id), (now) => now.messages.length > 0);
  expect(messages).toMatchObject([{ content: "Still here" }]);
});

test("a message with files goes on after a lost connection and in the person's next client, once and with its files", async () => {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  const outbox = storedOutbox(browserStorage());
  const file = await uploaded(world, ann, chat.id, "some bytes", { name: "a.txt" });
  const proxy = await startFaultProxy({ target: world.url, seed: "files" });
  const cutOff = await people.signedIn({ url: proxy.url, outbox }, ann);
  const room = cutOff.room(chat.id);
  await untilLive(room);
  await proxy.stop();
  const { settled, clientId } = room.send("", { attachmentIds: [file.id] });
  expect(room.getSnapshot().pending).toMatchObject([{ content: "", attachment_ids: [file.id] }]);
  cutOff.close();
  expect(await settled).toMatchObject({ ok: false });

  // Two tabs at the same time.
  for (let tab = 0; tab < 2; tab += 1) await people.signedIn({ outbox }, ann);
  const bens = (await people.signedIn({}, ben)).room(chat.id);
  const { messages } = await until(bens, (now) => now.messages.length > 0);
  expect(messages).toMatchObject([{ client_id: clientId, content: "", attachments: [file] }]);
  while (storage.size > 0) await new Promise((resolve) => setImmediate(resolve));
  expect((await ann.api("GET", `/api/chats/${chat.id}/messages`)).body).toHaveLength(1);
});

test("a message whose file is gone fails with the reason, and stays in the outbox", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const file = await uploaded(world, ann, chat.id, "some bytes", { name: "a.txt" });
  await ann.api("DELETE", file.url);
  const room = (await people.signedIn({}, ann)).room(chat.id);
  const { settled } = room.send("look", { attachmentIds: [file.id] });
  expect(await settled).toMatchObject({ ok: false, problem: { code: "invalid" } });
  expect(room.getSnapshot().pending).toMatchObject([
    { state: "failed", attachment_ids: [file.id] },
  ]);
});

test("what is stored with files that were altered is not sent without them", () => {
  const store = storedOutbox(browserStorage());
  const altered: object = { ...message(), attachment_ids: [1, "?"] };
  storage.set(
    "gemini-coop-unsent:7:1",
    JSON.stringify({ saved_at_ms: Date.now(), value: altered }),
  );
  expect(store.load(7)).toEqual([]);
});

/** Signing out has ended the session of a test's person. */
async function sessionOf(person: Awaited<ReturnType<World["person"]>>) {
  await world.sql`update sessions set expires_at = now() + interval '1 hour' where id = ${person.sessionId}`;
  return person;
}

test("what has failed or is too old is shown as failed, and sent only when asked for", () => {
  const store = storedOutbox(browserStorage());
  const old = new Date(Date.now() - 601_000).toISOString();
  store.save(7, message({ client_id: "old", created_at: old }));
  store.save(7, message({ client_id: "refused", failure: "Not on a Monday." }));
  store.save(7, message({ client_id: "new" }));
  store.save(8, message({ client_id: "other" }));
  const outbox = outboxWith(store);
  outbox.restore(7);
  expect(outbox.pendingOf(1)).toMatchObject([
    {
      client_id: "old",
      state: "failed",
      problem: { code: "not_sent", detail: "The message was not sent in time." },
    },
    { client_id: "refused", state: "failed", problem: { detail: "Not on a Monday." } },
    { client_id: "new", state: "queued", problem: undefined },
  ]);
  outbox.discard("old");
  outbox.retry("refused");
  outbox.restore(7);
  const left = store.load(7).map(({ client_id, failure }) => [client_id, failure]);
  expect(left.toSorted()).toEqual([
    ["new", undefined],
    ["refused", undefined],
  ]);
  outbox.clear(new ProblemError("signed_out", "Sign in first."));
  expect(outbox.pendingOf(1)).toEqual([]);
  expect(store.load(7)).toHaveLength(2);
  expect(store.load(8)).toHaveLength(1);
});

test("a message that is written before its sender is known is stored once they are", () => {
  const store = storedOutbox(browserStorage());
  const outbox = outboxWith(store);
  outbox.send(1, "early");
  expect(storage.size).toBe(0);
  outbox.restore(7);
  expect(store.load(7)).toMatchObject([{ content: "early", failure: undefined }]);
  expect(outbox.pendingOf(1)).toMatchObject([{ content: "early", state: "queued" }]);
});

test("a browser's storage has a bound, and what it refuses, or others have put there, does no harm", () => {
  const store = storedOutbox(browserStorage((text) => text.includes("refused")));
  for (let number = 1; number <= 40; number += 1) {
    setSystemTime(new Date(1_800_000_000_000 + number));
    const created_at = new Date().toISOString();
    store.save(7, message({ client_id: `${number}`, created_at }));
  }
  const ids = store.load(7).map(({ client_id }) => client_id);
  expect(ids).toEqual(Array.from({ length: 30 }, (_, index) => `${index + 11}`));
  store.save(7, message({ client_id: "long", content: "x".repeat(40_000) }));
  store.save(7, message({ client_id: "refused" }));
  expect(store.load(7)).toHaveLength(29);
  setSystemTime(new Date(Date.now() + 31 * 24 * 3_600_000));
  expect(store.load(7)).toEqual([]);
  store.save(7, message({ client_id: "new" }));
  expect(storage.size).toBe(1);
  for (const text of [
    "",
    "{",
    "null",
    "7",
    '{"saved_at_ms":"x"}',
    '{"saved_at_ms":1e15,"value":7}',
  ]) {
    storage.set("gemini-coop-unsent:7:bad", text);
    expect(store.load(7)).toMatchObject([{ client_id: "new" }]);
  }
});
