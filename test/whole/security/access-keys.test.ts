// The access matrix for access keys: every operation and every frame, with a key that has just its scope, with keys that have all
// scopes but that one, and with a key for another chat.
import { afterEach, beforeAll, describe, expect } from "bun:test";
import { operationNeeds, clientFrameScopes, Scope } from "../../../src/wire/scopes.ts";
import { expectProblem } from "../../http/refusals.ts";
import { bothTest, everyNth, test } from "../../world/long.ts";
import { TestSocket } from "../../world/socket.ts";
import { useWorld, type Person } from "../../world/world.ts";
import { frames, operations, roles, type Role, type Rule } from "./access-table.ts";
import { setScene, storedRows, type Scene } from "./scene.ts";

type SignedIn = Exclude<Role, "nobody">;

let scene: Scene;
const world = useWorld({ env: { BUDGET_ANSWERS_TOTAL: "0" } });
beforeAll(async () => {
  scene = await setScene(world);
});

const scopes = Scope.options;
const protectedOnes = Object.entries(operations).filter(([, rule]) => rule.statuses.nobody === 401);

/** Somebody who may use an operation when signed in; otherwise somebody whom it refuses for another reason than the role. */
function roleFor({ statuses }: Rule): SignedIn {
  const people = roles.filter((role) => role !== "nobody");
  const allowed = people.find((role) => statuses[role] === 200);
  return allowed ?? people.find((role) => ![403, 404].includes(statuses[role])) ?? "member";
}

// An account has a limited number of keys.
afterEach(async () => {
  await world.sql`delete from access_keys where name = 'Key'`;
});

async function keyOf(person: Person, input: { scopes: string[]; chat_ids?: number[] }) {
  const { body } = await person.api("POST", "/api/auth/keys", { name: "Key", ...input });
  return String(body.key);
}

async function ask(name: string, rule: Rule, on: Scene, role: SignedIn, key: string) {
  const [method = "", template = ""] = name.split(" ");
  const ids = on.idsFor(on.people[role]);
  if (rule.message === "question") ids.message_id = on.questionId;
  Object.assign(ids, rule.ids?.(on));
  const path = template.replaceAll(/\{(\w+)\}/g, (_, id: string) => String(ids[id]));
  const query = rule.query === undefined ? "" : `?${rule.query}`;
  const body = await rule.body?.(on, role);
  return await world.call(method, path + query, body, { authorization: `Bearer ${key}` });
}

/** Fails unless `work` leaves all rows as they are, but for the times at which keys were used. */
async function changesNothing(work: () => Promise<unknown>) {
  const rows = () => storedRows(world, ["last_used_at", "last_used_address"]);
  const before = await rows();
  await work();
  expect(await rows()).toEqual(before);
}

test("every operation that takes a token declares its scope, or that it takes no key", () => {
  expect(Object.keys(operationNeeds).toSorted()).toEqual(
    protectedOnes.map(([name]) => name).toSorted(),
  );
});

test("every frame of a client declares its scope", () => {
  expect(Object.keys(clientFrameScopes).toSorted()).toEqual(Object.keys(frames).toSorted());
});

/** The operations that are also asked with keys that may use them, or may use them for another chat. */
const played = new Set(everyNth(3, protectedOnes).map(([name]) => name));

describe.each(protectedOnes)("%s", (name, rule) => {
  const need = operationNeeds[name] ?? "session";
  const role = roleFor(rule);

  test("is refused to keys without its scope, and nothing changes", async () => {
    const lacking = scopes.filter((scope) => scope !== need);
    const key = await keyOf(scene.people[role], { scopes: lacking });
    await changesNothing(async () => {
      expectProblem(await ask(name, rule, scene, role, key), 403, "insufficient_scope");
    });
  });

  if (need === "session") return;
  const isReading = name.startsWith("GET ");
  const isPlayed = played.has(name);

  bothTest.if(isPlayed)(
    "is allowed to a key with just its scope, also to one for its chat alone",
    async () => {
      const on = isReading ? scene : await setScene(world, rule.answer);
      const forChat = { scopes: [need], chat_ids: [on.chatId] };
      // An operation that writes is tried once in a scene. Without a chat in its path, it takes no key for a chat alone.
      const tried: Parameters<typeof keyOf>[1][] = name.includes("{chat_id}") ? [forChat] : [];
      if (isReading || tried.length === 0) tried.unshift({ scopes: [need] });
      for (const input of tried) {
        const key = await keyOf(on.people[role], input);
        expect((await ask(name, rule, on, role, key)).status).toBe(rule.statuses[role]);
      }
    },
  );

  bothTest.if(isPlayed)("shows and changes no chat that its key is not for", async () => {
    const person = scene.people[role];
    const { id } = await person.chat({ name: "Another" });
    const key = await keyOf(person, { scopes: [need], chat_ids: [id] });
    await changesNothing(async () => {
      const answer = await ask(name, rule, scene, role, key);
      if (name.includes("{chat_id}")) expectProblem(answer, 404, "not_found");
      else if (name === "GET /api/chats") {
        expect(answer.body.map((chat: { id: number }) => chat.id)).toEqual([id]);
      } else if (need === "profile:read") expect(answer.status).toBe(200);
      else expectProblem(answer, 403, "insufficient_scope");
    });
  });
});

async function opened(key: string): Promise<TestSocket> {
  const socket = new TestSocket(world.socketUrl());
  await socket.opened;
  expect(await socket.ask({ type: "auth", token: key })).toMatchObject({ type: "ack" });
  return socket;
}

const outcome = (reply: { type: string; code?: unknown }) =>
  reply.type === "error" ? reply.code : reply.type;

describe.each(Object.entries(clientFrameScopes))("the frame %s", (type, need) => {
  const rule = frames[type];
  const role: SignedIn = "author";
  if (!rule || type === "auth") return;

  test("is refused to keys without its scope and outside of its chats, and nothing changes", async () => {
    const person = scene.people[role];
    const lacking = scopes.filter((scope) => scope !== need);
    const { id } = await person.chat({ name: "Another" });
    const narrow = await opened(await keyOf(person, { scopes: [...scopes], chat_ids: [id] }));
    const weak = await opened(await keyOf(person, { scopes: lacking }));
    await changesNothing(async () => {
      const frame = { type, ...rule.members(scene, role) };
      if (need) expect(outcome(await weak.ask(frame))).toBe("insufficient_scope");
      if ("chat_id" in frame) expect(outcome(await narrow.ask(frame))).toBe("not_found");
    });
    await narrow.close();
    await weak.close();
  });

  test("is taken from a key with just its scope", async () => {
    const on = rule.answer ? await setScene(world, rule.answer) : scene;
    const socket = await opened(await keyOf(on.people[role], { scopes: [need ?? "profile:read"] }));
    const reply = await socket.ask({ type, ...rule.members(on, role) });
    expect(outcome(reply)).toBe(rule.replies[role]);
    await socket.close();
  });
});
