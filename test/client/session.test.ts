// Signing in and out, and the renewal of tokens.
import { afterEach, beforeAll, expect } from "bun:test";
import { signAccessToken } from "../../src/accounts/access-tokens.ts";
import { memoryTokens, ProblemError, type HeldTokens } from "gemini-coop/client";
import { createChatList } from "gemini-coop/client/chat-list";
import { startFaultProxy } from "gemini-coop/client/faults";
import { storedTokens } from "gemini-coop/client/stored-tokens";
import { useWorld } from "../world/world.ts";
import { createPeople, tokensOf, until, untilLive, type People } from "./people.ts";
import { longTest, test } from "../world/long.ts";

const password = "correct horse battery";
const world = useWorld();
let people: People;
beforeAll(async () => {
  people = createPeople(world);
});
afterEach(() => people.closeAll());

/** A new person, with the tokens of a session. */
async function register(username: string): Promise<HeldTokens> {
  await people.open().session.register({ username, email: `${username}@example.com`, password });
  const { body } = await world.call("POST", "/api/auth/login", { username, password });
  return { ...body, expires_at_ms: Date.now() + body.expires_in * 1_000 };
}

/** A `fetch` that counts refreshes. */
function counting() {
  const counts = { refreshes: 0 };
  const send = (url: string, init: RequestInit) => {
    if (url.endsWith("/refresh")) counts.refreshes += 1;
    return fetch(url, init);
  };
  return { counts, fetch: send };
}

function storeOf(held: HeldTokens) {
  const store = memoryTokens();
  store.save(held);
  return store;
}

test("a person registers, signs in and out, and is told of what is refused", async () => {
  const client = people.open();
  await expect(client.api.listChats()).rejects.toMatchObject({ code: "signed_out" });
  const input = { username: "ann", email: "ann@example.com", password };
  const user = await client.session.register(input);
  await expect(client.session.register(input)).rejects.toMatchObject({
    code: "username_taken",
    status: 409,
    detail: "The username ann is taken. Choose another.",
  });
  const wrong = await client.session.login({ username: "ann", password: "wrong" }).catch(String);
  expect(wrong).toBe("ProblemError: invalid_credentials: The username or the password is wrong.");
  expect(await client.session.login(input)).toEqual(user);
  expect(client.session.getSnapshot()).toEqual({ signedIn: true, user });
  await until(client.connection, ({ state }) => state === "live");
  const invalid = await client.api.createChat({ name: "x".repeat(101) }).catch((error) => error);
  expect(invalid).toBeInstanceOf(ProblemError);
  expect(invalid.errors).toMatchObject([{ pointer: "/name" }]);

  const { id } = await client.api.createChat({ is_group: true });
  const room = client.room(id);
  await untilLive(room);
  await client.session.logout();
  expect(client.session.getSnapshot()).toEqual({ signedIn: false, user: undefined });
  expect(client.connection.getSnapshot()).toMatchObject({ state: "offline", reason: "signed_out" });
  expect(room.getSnapshot().state).toBe("offline");
});

test("tokens that expire are renewed once for everybody who waits", async () => {
  const held = await register("ben");
  const store = storeOf({ ...held, expires_at_ms: Date.now() });
  const { counts, fetch } = counting();
  const client = people.open({ tokens: store, fetch });
  const other = people.open({ tokens: store, fetch });
  client.connect();
  await Promise.all([client.api.listChats(), client.session.me(), client.api.listChats()]);
  await other.api.listChats();
  expect(counts.refreshes).toBe(1);
  expect(store.load()?.refresh_token).not.toBe(held.refresh_token);
  await until(client.connection, ({ state }) => state === "live");
});

test("an access token that is refused is renewed, and the request made again", async () => {
  const held = await register("cat");
  const { counts, fetch } = counting();
  const store = storeOf({ ...held, access_token: "not.a.token" });
  const client = people.open({ tokens: store, fetch });
  expect(await client.api.listChats()).toEqual([]);
  expect(counts.refreshes).toBe(1);
});

test("who cannot be renewed is signed out", async () => {
  const held = await register("dan");
  const store = storeOf({ ...held, refresh_token: "used", expires_at_ms: Date.now() });
  const client = people.open({ tokens: store });
  client.connect();
  await until(client.session, ({ signedIn }) => !signedIn);
  expect(store.load()).toBeNull();
  expect(client.connection.getSnapshot()).toMatchObject({ state: "offline", retryAtMs: undefined });
});

longTest("an open socket gets its new token before the old one expires", async () => {
  const person = await world.person();
  const proxy = await startFaultProxy({ target: world.url });
  const given: string[] = [];
  const shown: string[] = [];
  const isRenewed = Promise.withResolvers<void>();
  proxy.play({
    concerns(text) {
      if (text.includes('"type":"auth"')) shown.push(JSON.parse(text).token);
      if (shown.length === 3) isRenewed.resolve();
      return false;
    },
  });
  const renewTokens = async () => {
    const token = await signAccessToken(world.ctx, person, person.sessionId);
    given.push(token);
    // The next renewal is due in 0.8 s.
    return { ...tokensOf({ token }), expires_in: 1 };
  };
  const client = await people.signedIn({ url: proxy.url, renewTokens }, person, 1);
  await until(client.connection, ({ state }) => state === "live");
  const states = new Set<string>();
  client.connection.subscribe(() => states.add(client.connection.getSnapshot().state));
  await isRenewed.promise;
  expect(given).toContain(shown[1] ?? "none");
  expect(given).toContain(shown[2] ?? "none");
  expect(states).not.toContain("offline");
  await proxy.stop();
});

test("a server that cannot be reached, or another one in its place, is a problem too", async () => {
  const nobody = people.open({ url: "http://127.0.0.1:1" });
  const input = { username: "ann", password };
  await expect(nobody.session.login(input)).rejects.toMatchObject({ code: "network", status: 0 });
  const fetch = async () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  const between = people.open({ fetch });
  await expect(between.session.login(input)).rejects.toMatchObject({
    code: "unexpected_response",
    status: 502,
  });
});

test("a browser's storage keeps tokens, and what is no token there counts as none", async () => {
  const items = new Map<string, string>();
  const store = storedTokens({
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  });
  expect(store.load()).toBeNull();
  const held: HeldTokens = {
    access_token: "a",
    token_type: "bearer",
    expires_in: 1,
    refresh_token: "r",
    expires_at_ms: 2,
  };
  store.save(held);
  expect(store.load()).toEqual(held);
  items.set("gemini-coop-tokens", "{");
  expect(store.load()).toBeNull();
  store.save(null);
  expect(items.size).toBe(0);
  // Where claims can't be kept, every client may renew.
  expect(await store.claim?.("r", 1_000)).toBe(true);
});

test("a list of chats follows what happens in them, and forgets them with its person", async () => {
  const [ann, ben] = await people.pair();
  const list = createChatList(ben);
  const end = list.subscribe(() => undefined);
  await until(list, ({ chats }) => chats?.length === 0);
  const chat = await ann.api.createChat({ is_group: true, participant_usernames: [ben.name] });
  await until(list, ({ chats }) => chats?.length === 1);
  await ann.api.sendMessage(chat.id, "Hello!");
  const { chats } = await until(list, (now) => now.chats?.[0]?.unread_count === 1);
  expect(chats).toMatchObject([{ id: chat.id, last_message: "Hello!" }]);
  await ben.session.logout();
  await until(list, (now) => now.chats === undefined);
  end();
});
