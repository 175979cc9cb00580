// Every operation that openapi.json has, asked by everybody, with every way to carry a token.
import { beforeAll, describe, expect } from "bun:test";
import { expectProblem } from "../../http/refusals.ts";
import { operationsOf } from "../../docs/openapi.ts";
import { describedHttp } from "../../world/contract.ts";
import { bothTest, isLong, test } from "../../world/long.ts";
import { useWorld, type Answer } from "../../world/world.ts";
import { operations, roles, type Role, type Rule } from "./access-table.ts";
import { setScene, storedRows, type Scene } from "./scene.ts";

let scene: Scene;
const world = useWorld({ env: { BUDGET_ANSWERS_TOTAL: "0" } });
beforeAll(async () => {
  scene = await setScene(world);
});

type Headers = Record<string, string>;
type Carry = (token: string) => { headers: Headers; query?: string };

/** RFC 6750 §2.1, with the scheme in any case (RFC 9110 §11.1). */
const goodWays: Record<string, Carry> = {
  "as a Bearer": (token) => ({ headers: { authorization: `Bearer ${token}` } }),
  "as a bearer": (token) => ({ headers: { authorization: `bearer ${token}` } }),
};

const badWays: Record<string, Carry> = {
  "in Basic": (token) => ({ headers: { authorization: `Basic ${btoa(`${token}:`)}` } }),
  "as a Token": (token) => ({ headers: { authorization: `Token ${token}` } }),
  "without a scheme": (token) => ({ headers: { authorization: token } }),
  "with its signature cut": (token) => ({
    headers: { authorization: `Bearer ${token.slice(0, token.lastIndexOf("."))}.` },
  }),
  "twice in one header": (token) => ({ headers: { authorization: `Bearer ${token}, ${token}` } }),
  "to a proxy": (token) => ({ headers: { "proxy-authorization": `Bearer ${token}` } }),
  "in another header": (token) => ({
    headers: { "x-access-token": token, "x-forwarded-authorization": `Bearer ${token}` },
  }),
  "in a cookie": (token) => ({
    headers: { cookie: `token=${token}; access_token=${token}; authorization=Bearer ${token}` },
  }),
  "as a socket's protocol": (token) => ({ headers: { "sec-websocket-protocol": token } }),
  "in the query": (token) => ({
    headers: {},
    query: `?token=${token}&access_token=${token}&authorization=Bearer%20${token}`,
  }),
};

interface Try {
  on: Scene;
  role: Role;
  carry?: Carry;
}

async function ask(name: string, rule: Rule, { on, role, carry }: Try): Promise<Answer> {
  const [method = "", template = ""] = name.split(" ");
  const caller = role === "nobody" ? undefined : on.people[role];
  const ids = on.idsFor(caller);
  if (rule.message === "question") ids.message_id = on.questionId;
  Object.assign(ids, rule.ids?.(on));
  const path = template.replaceAll(/\{(\w+)\}/g, (_, id: string) => {
    const value = ids[id];
    if (value === undefined) throw new Error(`scene.ts has nothing for {${id}}`);
    return String(value);
  });
  const { headers, query = "" } = (caller && carry?.(caller.token)) ?? { headers: {}, query: "" };
  const body = await rule.body?.(on, role === "nobody" ? "stranger" : role);
  const needed = rule.query === undefined ? "" : `${query === "" ? "?" : "&"}${rule.query}`;
  return await world.call(method, path + query + needed, body, headers);
}

const codes: Record<number, string> = {
  401: "invalid_token",
  403: "forbidden",
  404: "not_found",
  409: "owner_cannot_leave",
  422: "invalid",
};

function expectRefusal(answer: Answer, status: number, what: string, refusal?: string) {
  const code = (status === 401 ? undefined : refusal) ?? codes[status] ?? "";
  expect([what, answer.status, answer.body.type]).toEqual([what, status, `/problems/${code}`]);
  expectProblem(answer, status, code);
}

/** Fails unless `work` leaves all rows as they are. */
async function changesNothing(work: () => Promise<unknown>) {
  const before = await storedRows(world);
  await work();
  expect(await storedRows(world)).toEqual(before);
}

test("the table has every operation of openapi.json, and no other", () => {
  const described = operationsOf(describedHttp());
  expect(Object.keys(operations).toSorted()).toEqual([...described.keys()].toSorted());
});

const refusing = Object.entries(operations).filter(([, rule]) => rule.statuses.nobody === 401);

/** All; in `bun run check` one of them, each of whom has a turn. */
function someOf(all: Role[], name: string): Role[] {
  const turn = Object.keys(operations).indexOf(name) % all.length;
  return all.filter((_, index) => isLong || index === turn);
}

/** Everybody who has a token, the most powerful first. */
const bearers = roles.filter((role) => role !== "nobody").toReversed();

describe.each(refusing)("%s", (name, rule) => {
  test("refuses whom it must, and nothing changes", async () => {
    const refused = roles.filter((role) => rule.statuses[role] !== 200);
    expect(refused).toContain("nobody");
    await changesNothing(() =>
      Promise.all(
        refused.flatMap((role) =>
          Object.entries(goodWays).map(async ([way, carry]) => {
            const answer = await ask(name, rule, { on: scene, role, carry });
            expectRefusal(answer, rule.statuses[role], `${role} ${way}`, rule.refusal);
          }),
        ),
      ),
    );
  });
});

/** All; in `bun run check` every fourth. */
const carriedWrongly = refusing.filter((_, index) => isLong || index % 4 === 0);

describe.each(carriedWrongly)("%s", (name, rule) => {
  bothTest(
    "knows nobody by a token that is carried in another way, and nothing changes",
    async () => {
      await changesNothing(() =>
        Promise.all(
          someOf(bearers, name).flatMap((role) =>
            Object.entries(badWays).map(async ([way, carry]) => {
              const answer = await ask(name, rule, { on: scene, role, carry });
              expectRefusal(answer, 401, `${role}'s token ${way}`);
            }),
          ),
        ),
      );
    },
  );
});

test("neither a ticket nor a refresh token is an access token, and nothing changes", async () => {
  const { body } = await scene.people.owner.api("POST", "/api/auth/ws-ticket");
  const others = [body.ticket, Object.values(await scene.refreshToken()).join("")];
  await changesNothing(async () => {
    for (const [name, rule] of refusing) {
      for (const other of others) {
        const carry = () => ({ headers: { authorization: `Bearer ${other}` } });
        const answer = await ask(name, rule, { on: scene, role: "owner", carry });
        expectRefusal(answer, 401, name);
      }
    }
  });
});

test("who has handed a chat over may no more than any member", async () => {
  const { people, chatId } = scene;
  const heir = { owner_id: people.member.id };
  expect((await people.owner.api("PATCH", `/api/chats/${chatId}`, heir)).status).toBe(200);
  const ownersOnly = refusing.filter(([, rule]) => rule.statuses.member === 403);
  expect(ownersOnly).not.toBeEmpty();
  await changesNothing(async () => {
    for (const [name, rule] of ownersOnly) {
      const answer = await ask(name, rule, {
        on: scene,
        role: "owner",
        carry: goodWays["as a Bearer"],
      });
      expectRefusal(answer, 403, name);
    }
  });
  const back = { owner_id: people.owner.id };
  expect((await people.member.api("PATCH", `/api/chats/${chatId}`, back)).status).toBe(200);
});

describe.each(Object.entries(operations))("%s", (name, rule) => {
  bothTest("lets in whom it must", async () => {
    const isReading = name.startsWith("GET ");
    const isOpen = rule.statuses.nobody === 200;
    const allowed = roles.filter((each) => rule.statuses[each] === 200);
    for (const role of isReading || isOpen ? allowed : someOf(allowed, name)) {
      // An operation that changes data gets its own scene.
      const on = isReading || isOpen ? scene : await setScene(world, rule.answer);
      for (const carry of Object.values(goodWays).slice(0, isReading ? 2 : 1)) {
        expect([role, (await ask(name, rule, { on, role, carry })).status]).toEqual([role, 200]);
      }
    }
  });
});
