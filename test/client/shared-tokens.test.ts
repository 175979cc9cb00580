// Clients that share their tokens, as the tabs of a browser do. What one of them saves becomes visible to the others
// when the test says so: between the processes of a browser that takes a while.
import { afterEach, beforeAll, expect, test } from "bun:test";
import type { Client, HeldTokens, TokenStore } from "gemini-coop/client";
import { useWorld } from "../world/world.ts";
import { createPeople, until, untilLive, type People } from "./people.ts";

const password = "correct horse battery";
const world = useWorld();
let people: People;
let names = 0;
beforeAll(async () => {
  people = createPeople(world);
});
afterEach(() => people.closeAll());

/** Somebody new, with tokens that are due for renewal. */
async function someone() {
  names += 1;
  const username = `sharer${names}`;
  const email = `${username}@example.com`;
  await world.call("POST", "/api/auth/register", { username, email, password });
  return { username, held: await signIn(username) };
}

async function signIn(username: string): Promise<HeldTokens> {
  const { body } = await world.call("POST", "/api/auth/login", { username, password });
  return { ...body, expires_at_ms: Date.now() };
}

/** A storage that several clients see, each through a view of its own, and claims that all see at once. */
class SharedStorage {
  #value: HeldTokens | null;
  readonly #views: { value: HeldTokens | null; listeners: Set<() => void> }[] = [];
  readonly #claims = new Map<string, { owner: number; untilMs: number }>();
  /** Called whenever a client has found that another one has claimed a token. */
  onRefusedClaim = () => {};

  constructor(value: HeldTokens | null) {
    this.#value = value;
  }

  view(): TokenStore {
    const view = { value: this.#value, listeners: new Set<() => void>() };
    const owner = this.#views.push(view);
    return {
      load: () => view.value,
      save: (tokens) => {
        view.value = tokens;
        this.#value = tokens;
      },
      claim: async (token, ms) => {
        const claim = this.#claims.get(token);
        if (claim && claim.owner !== owner && claim.untilMs > Date.now()) {
          this.onRefusedClaim();
          return false;
        }
        this.#claims.set(token, { owner, untilMs: Date.now() + ms });
        return true;
      },
      watch(listener) {
        view.listeners.add(listener);
        return () => void view.listeners.delete(listener);
      },
    };
  }

  /** Makes what was saved last visible in all views. */
  deliver() {
    for (const view of this.#views) {
      if (view.value === this.#value) continue;
      view.value = this.#value;
      for (const listener of [...view.listeners]) listener();
    }
  }
}

/** A way to the server that keeps the refresh tokens which were sent. */
function recording() {
  const sent: string[] = [];
  const fetchAndRecord = (url: string, init: RequestInit) => {
    if (url.endsWith("/refresh")) sent.push(JSON.parse(String(init.body)).refresh_token);
    return fetch(url, init);
  };
  return { sent, fetch: fetchAndRecord };
}

test("of clients that renew at the same moment one exchanges the token, and the others get its tokens", async () => {
  const { held } = await someone();
  const storage = new SharedStorage(held);
  const { sent, fetch } = recording();
  const clients = [1, 2, 3].map(() => people.open({ tokens: storage.view(), fetch }));
  let refused = 0;
  const waiting = Promise.withResolvers<void>();
  storage.onRefusedClaim = () => {
    refused += 1;
    if (refused === 2) waiting.resolve();
  };
  const lists = clients.map((client) => client.api.listChats());
  await Promise.all([waiting.promise, Promise.any(lists)]);
  storage.deliver();
  expect(await Promise.all(lists)).toEqual([[], [], []]);
  expect(sent).toEqual([held.refresh_token]);
});

test("a client whose view is out of date does not send a token that was exchanged", async () => {
  const { held } = await someone();
  const storage = new SharedStorage(held);
  const { sent, fetch } = recording();
  const [first, second] = [1, 2].map(() => people.open({ tokens: storage.view(), fetch }));
  await first?.api.listChats();
  const waiting = Promise.withResolvers<void>();
  storage.onRefusedClaim = waiting.resolve;
  const list = second?.api.listChats();
  await waiting.promise;
  storage.deliver();
  expect(await list).toEqual([]);
  expect(sent).toEqual([held.refresh_token]);
});

test("a client takes over a claim whose client is gone", async () => {
  const { held } = await someone();
  const storage = new SharedStorage(held);
  // That client was closed while it claimed the token.
  await storage.view().claim?.(held.refresh_token, 100);
  const client = people.open({ tokens: storage.view() });
  expect(await client.api.listChats()).toEqual([]);
});

test("a refusal is checked against the store again before it ends the session", async () => {
  const { username, held } = await someone();
  const newer = { ...(await signIn(username)), expires_at_ms: Date.now() + 600_000 };
  const storage = new SharedStorage({ ...held, refresh_token: "spent" });
  const other = storage.view();
  const client = people.open({
    tokens: storage.view(),
    async fetch(url, init) {
      const response = await fetch(url, init);
      // Another client's tokens become visible only after the refusal.
      if (url.endsWith("/refresh")) {
        other.save(newer);
        setTimeout(() => storage.deliver(), 50);
      }
      return response;
    },
  });
  expect(await client.api.listChats()).toEqual([]);
  expect(client.session.getSnapshot().signedIn).toBe(true);
});

test("a socket that is refused goes on with the tokens that another client has saved", async () => {
  const { username } = await someone();
  const storage = new SharedStorage(null);
  const store = storage.view();
  const client = people.open({ tokens: store });
  await client.session.login({ username, password });
  await until(client.connection, ({ state }) => state === "live");
  // The session ends, and the same sign-in goes on with tokens of a new one.
  const held = store.load();
  const newer = { ...(await signIn(username)), session: held?.session };
  storage.view().save({ ...newer, expires_at_ms: Date.now() + 600_000 });
  storage.deliver();
  await world.call("POST", "/api/auth/logout", { refresh_token: held?.refresh_token });
  await until(client.connection, ({ reason }) => reason === "revoked");
  await until(client.connection, ({ state }) => state === "live");
  expect(client.session.getSnapshot().signedIn).toBe(true);
});

test("signing out in one client signs out all, and signing in signs in all", async () => {
  const { username } = await someone();
  const storage = new SharedStorage(null);
  const [first, second] = [1, 2].map(() => people.open({ tokens: storage.view() }));
  if (!first || !second) throw new Error("there are two clients");
  await first.session.login({ username, password });
  storage.deliver();
  await until(second.connection, ({ state }) => state === "live");
  await until(second.session, ({ user }) => user?.username === username);
  await first.session.logout();
  storage.deliver();
  await until(second.session, ({ signedIn }) => !signedIn);
  await until(second.connection, ({ state }) => state === "offline");
  await expect(second.api.listChats()).rejects.toMatchObject({ code: "signed_out" });
});

test("another person's sign-in in one client closes the rooms of the others", async () => {
  const storage = new SharedStorage(null);
  const [ann, ben] = [await someone(), await someone()];
  const [first, second] = [1, 2].map(() => people.open({ tokens: storage.view() }));
  if (!first || !second) throw new Error("there are two clients");
  await first.session.login({ username: ann.username, password });
  storage.deliver();
  await until(second.session, ({ user }) => user?.username === ann.username);
  const { id } = await second.api.createChat({ is_group: true });
  const room = second.room(id);
  await untilLive(room);
  await first.session.login({ username: ben.username, password });
  storage.deliver();
  await until(second.session, ({ user }) => user?.username === ben.username);
  expect(room.getSnapshot().state).toBe("offline");
  expect(second.session.getSnapshot().user?.username).toBe(ben.username);
});

test("a renewal in another client is no new sign-in", async () => {
  const { username } = await someone();
  const storage = new SharedStorage(null);
  const store = storage.view();
  const [first, second] = [people.open({ tokens: store }), people.open({ tokens: storage.view() })];
  await first.session.login({ username, password });
  storage.deliver();
  await until(second.connection, ({ state }) => state === "live");
  const states = watchStates(second);
  const held = store.load();
  if (held) store.save({ ...held, expires_at_ms: Date.now() });
  await first.api.listChats();
  expect(store.load()?.refresh_token).not.toBe(held?.refresh_token);
  storage.deliver();
  expect(await second.api.listChats()).toEqual([]);
  expect(states).not.toContain("offline");
});

test.each(["request", "reply"])(
  "a refresh whose %s is lost is repeated once with the same token",
  async (lost) => {
    const { held } = await someone();
    const sent: string[] = [];
    const client = people.open({
      tokens: new SharedStorage({ ...held, expires_at_ms: 0 }).view(),
      async fetch(url, init) {
        if (!url.endsWith("/refresh")) return await fetch(url, init);
        const isFirst = sent.push(JSON.parse(String(init.body)).refresh_token) === 1;
        if (isFirst && lost === "reply") await fetch(url, init);
        if (isFirst) throw new TypeError("the network is away");
        return await fetch(url, init);
      },
    });
    expect(await client.api.listChats()).toEqual([]);
    expect(sent).toEqual([held.refresh_token, held.refresh_token]);
    expect(client.session.getSnapshot().signedIn).toBe(true);
  },
);

test("a network that stays away is a problem, which signs nobody out", async () => {
  const { held } = await someone();
  let isAway = true;
  const client = people.open({
    tokens: new SharedStorage({ ...held, expires_at_ms: 0 }).view(),
    async fetch(url, init) {
      if (isAway) throw new TypeError("the network is away");
      return await fetch(url, init);
    },
  });
  await expect(client.api.listChats()).rejects.toMatchObject({ code: "network" });
  expect(client.session.getSnapshot().signedIn).toBe(true);
  isAway = false;
  expect(await client.api.listChats()).toEqual([]);
});

function watchStates({ connection }: Client): Set<string> {
  const states = new Set<string>();
  connection.subscribe(() => states.add(connection.getSnapshot().state));
  return states;
}
