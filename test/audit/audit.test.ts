// The audit trail: who did what, to what, from where, and the outcome.
import { beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { cleanUpAudit } from "../../src/audit/audit.ts";
import { CapturedLog } from "../world/captured.ts";
import { useWorld, type Person } from "../world/world.ts";
import { expectProblem, time } from "../http/refusals.ts";

const password = "correct horse battery";
const log = new CapturedLog();
const world = useWorld({ logTo: log, env: { AUDIT_DAYS: "90" } });

const Event = z.strictObject({
  id: z.int(),
  at: z.string(),
  action: z.string(),
  outcome: z.string(),
  actor_id: z.int().nullable(),
  actor_name: z.string().nullable(),
  target: z.string().nullable(),
  address: z.string().nullable(),
  user_agent: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});

/** Does something. @returns the events that were recorded meanwhile */
async function recorded(work: () => Promise<unknown>) {
  const [last] = await world.sql`select coalesce(max(id), 0) as id from audit_events`;
  await work();
  const rows = await world.sql`select * from audit_events where id > ${last?.id} order by id`;
  return rows.map((row) => Event.parse(row));
}

let people = 0;
async function newName() {
  people += 1;
  const username = `audited${people}`;
  return { username, email: `${username}@example.com`, password };
}

const call = (path: string, body: unknown, agent = "Firefox/1") =>
  world.call("POST", path, body, { "user-agent": agent });
const login = (username: string, typed = password) =>
  call("/api/auth/login", { username, password: typed });

async function register() {
  const input = await newName();
  const { body } = await call("/api/auth/register", input);
  return { id: Number(body.id), username: input.username };
}

const from = { address: "127.0.0.1", user_agent: "Firefox/1" };
const of = (person: { id: number; username: string }) => ({
  actor_id: person.id,
  actor_name: person.username,
});
const nobody = { actor_id: null, actor_name: null };

describe("an account", () => {
  test("leaves its registration and its sign-ins, with who, from where and what for a client", async () => {
    const input = await newName();
    const [registered, ...none] = await recorded(() => call("/api/auth/register", input));
    const person = { id: Number(registered?.actor_id), username: input.username };
    expect(none).toEqual([]);
    expect(registered).toEqual({
      id: expect.any(Number),
      at: time,
      action: "register",
      outcome: "ok",
      ...of(person),
      target: `user:${person.id}`,
      ...from,
      details: {},
    });
    const [row] = await world.sql`select id from users where username = ${input.username}`;
    expect(row?.id).toBe(person.id);

    let sessionId = "";
    const events = await recorded(async () => {
      const { body } = await login(input.username);
      sessionId = body.refresh_token.slice(0, 36);
    });
    expect(events).toEqual([
      expect.objectContaining({
        action: "sign_in",
        outcome: "ok",
        ...of(person),
        target: `session:${sessionId}`,
        ...from,
      }),
    ]);
  });

  test("leaves refused sign-ins, as nobody's, and no name that nobody has", async () => {
    const person = await register();
    const wrong = await recorded(() => login(person.username.toUpperCase(), "not the password"));
    expect(wrong).toMatchObject([
      {
        action: "sign_in",
        outcome: "invalid_credentials",
        ...nobody,
        target: `user:${person.id}`,
        details: { username: person.username },
        ...from,
      },
    ]);
    // Some type their password into the wrong field.
    const unknown = await recorded(() => login("hunter2-hunter2", "hunter2-hunter2"));
    expect(unknown).toMatchObject([
      { action: "sign_in", outcome: "invalid_credentials", ...nobody, target: null, details: {} },
    ]);
    expect(JSON.stringify(unknown)).not.toContain("hunter2");
  });

  test("leaves nothing of what is no try at all: bad input, a name that is taken, a refresh that is good", async () => {
    const person = await register();
    const { body } = await login(person.username);
    const events = await recorded(async () => {
      await call("/api/auth/register", { ...(await newName()), username: person.username });
      await call("/api/auth/login", { username: person.username });
      await call("/api/auth/refresh", { refresh_token: "nonsense" });
      expect((await call("/api/auth/refresh", body)).status).toBe(200);
    });
    expect(events).toEqual([]);
  });

  test("leaves a refresh token that is used again, and one that comes too late", async () => {
    const person = await register();
    const { body: first } = await login(person.username);
    await call("/api/auth/refresh", first);
    await world.sql`update sessions set last_used_at = now() - interval '61 s'`;
    const { body: second } = await login(person.username);
    const lateId = second.refresh_token.slice(0, 36);
    await world.sql`update sessions set expires_at = now() where id = ${lateId}`;
    const events = await recorded(async () => {
      await call("/api/auth/refresh", first, "thief");
      await call("/api/auth/refresh", first, "thief");
      await call("/api/auth/refresh", second);
    });
    expect(events).toMatchObject([
      {
        action: "refresh",
        outcome: "token_reused",
        ...of(person),
        target: `session:${first.refresh_token.slice(0, 36)}`,
        user_agent: "thief",
      },
      { action: "refresh", outcome: "token_expired", ...of(person), target: `session:${lateId}` },
    ]);
  });

  test("leaves its sign-outs, changes of its password, refused ones too, and the ends of its sessions", async () => {
    const person = await register();
    const sessions = [];
    for (let n = 0; n < 4; n += 1) sessions.push((await login(person.username)).body);
    const [present, ended, out] = sessions;
    const api = (method: string, path: string, body?: unknown) =>
      world.call(method, path, body, {
        authorization: `Bearer ${present.access_token}`,
        "user-agent": "Firefox/1",
      });
    const idOf = ({ refresh_token }: { refresh_token: string }) => refresh_token.slice(0, 36);
    const change = (current_password: string) =>
      api("POST", "/api/auth/password", { current_password, new_password: "another battery" });
    const events = await recorded(async () => {
      await call("/api/auth/logout", out);
      await api("DELETE", `/api/auth/sessions/${idOf(ended)}`);
      await api("DELETE", `/api/auth/sessions/${idOf(ended)}`);
      await change("not the password");
      await api("DELETE", "/api/auth/sessions");
      await api("DELETE", "/api/auth/sessions");
      await change(password);
    });
    const common = { ...of(person), ...from };
    const self = `user:${person.id}`;
    expect(events).toMatchObject([
      { ...common, action: "sign_out", outcome: "ok", target: `session:${idOf(out)}` },
      { ...common, action: "end_session", outcome: "ok", target: `session:${idOf(ended)}` },
      { ...common, action: "change_password", outcome: "wrong_password", target: self },
      {
        ...common,
        action: "end_other_sessions",
        outcome: "ok",
        target: self,
        details: { sessions: 1 },
      },
      { ...common, action: "change_password", outcome: "ok", target: self },
    ]);
  });
});

describe("a chat", () => {
  let owner: Person;
  let member: Person;
  let guest: Person;
  beforeAll(async () => {
    owner = await world.person("owner");
    member = await world.person("member");
    guest = await world.person("guest");
  });

  test("leaves its opening, who was invited, left and was removed, its changes and its end", async () => {
    let target = "";
    const events = await recorded(async () => {
      const { id } = await owner.chat({ name: "A secret name", with: [member] });
      const path = `/api/chats/${id}`;
      target = `chat:${id}`;
      await member.api("POST", `${path}/invite`, { username: guest.username });
      await member.api("POST", `${path}/invite`, { username: guest.username });
      await owner.api("PATCH", path, {
        name: "Another name",
        settings: { persona: "a pirate of few words", temperature: 0.5 },
      });
      await owner.api("PATCH", path, { name: "Another name" });
      await owner.say(id, "the message itself");
      await owner.api("DELETE", `${path}/participants/${guest.id}`);
      await owner.api("DELETE", `${path}/participants/${guest.id}`);
      await owner.api("PATCH", path, { owner_id: member.id });
      await owner.api("POST", `${path}/leave`);
      await member.api("DELETE", path);
    });
    const ok = { outcome: "ok", target, address: "127.0.0.1" };
    const who = ({ id, username }: Person) => ({ user_id: id, username });
    expect(events).toMatchObject([
      { ...ok, action: "create_chat", ...of(owner), details: { participants: 2 } },
      { ...ok, action: "invite", ...of(member), details: who(guest) },
      {
        ...ok,
        action: "change_chat",
        ...of(owner),
        details: { changed: ["name", "settings.persona", "settings.temperature"] },
      },
      { ...ok, action: "remove", ...of(owner), details: who(guest) },
      {
        ...ok,
        action: "change_chat",
        ...of(owner),
        details: { changed: ["owner_id"], owner_id: member.id },
      },
      { ...ok, action: "leave", ...of(owner), details: who(owner) },
      { ...ok, action: "delete_chat", ...of(member), details: { participants: 1 } },
    ]);
    expect(JSON.stringify(events)).not.toMatch(
      /secret name|Another name|pirate|the message itself/,
    );
  });

  test("leaves who tried what is its owner's, and nothing of strangers, who may be anybody", async () => {
    const { id } = await owner.chat({ with: [member] });
    const path = `/api/chats/${id}`;
    const tries = (person: Person) =>
      recorded(async () => {
        await person.api("PATCH", path, { name: "Mine" });
        await person.api("DELETE", `${path}/participants/${owner.id}`);
        await person.api("DELETE", path);
      });
    const common = { outcome: "forbidden", ...of(member), target: `chat:${id}`, details: {} };
    expect(await tries(member)).toMatchObject([
      { ...common, action: "change_chat" },
      { ...common, action: "remove" },
      { ...common, action: "delete_chat" },
    ]);
    expect(await tries(guest)).toEqual([]);
  });

  test("is not changed where that cannot be recorded", async () => {
    const chat = await owner.chat({ with: [member], name: "Kept" });
    await world.sql`alter table audit_events rename to audit_elsewhere`;
    const answers = [
      await owner.api("PATCH", `/api/chats/${chat.id}`, { name: "Changed" }),
      await owner.api("DELETE", `/api/chats/${chat.id}/participants/${member.id}`),
      await owner.api("DELETE", `/api/chats/${chat.id}`),
    ];
    await world.sql`alter table audit_elsewhere rename to audit_events`;
    for (const answer of answers) expectProblem(answer, 500, "internal");
    expect((await member.api("GET", `/api/chats/${chat.id}`)).body).toEqual(chat);
  });
});

test("a refusal that cannot be recorded is told all the same, and logged", async () => {
  const person = await register();
  await world.sql`alter table audit_events rename to audit_elsewhere`;
  const refused = await login(person.username, "not the password");
  await world.sql`alter table audit_elsewhere rename to audit_events`;
  expectProblem(refused, 401, "invalid_credentials");
  expect(await log.find({ msg: "an audit event could not be stored" })).toMatchObject({
    level: 50,
    action: "sign_in",
    outcome: "invalid_credentials",
    target: `user:${person.id}`,
  });
});

test("the audit outlives its people and its chats", async () => {
  const person = await world.person("fleeting");
  await person.chat();
  await world.sql`delete from chats where owner_id = ${person.id}`;
  await world.sql`delete from users where id = ${person.id}`;
  const rows = await world.sql`
    select action from audit_events where actor_name = ${person.username} order by id
  `;
  expect(rows.map(({ action }) => action)).toEqual(["register", "sign_in", "create_chat"]);
});

describe("the clean-up", () => {
  const old = async (count: number, age: string) => {
    await world.sql`
      insert into audit_events (action, outcome, at)
      select 'old', 'ok', now() - ${age}::interval from generate_series(1, ${count}::int)
    `;
  };
  const left = async () => {
    const [row] = await world.sql`
      select count(*)::int as count from audit_events where action = 'old'
    `;
    return row?.count;
  };

  test("removes what is older than AUDIT_DAYS, however much that is, and nothing else", async () => {
    const [before] = await world.sql`select count(*)::int as count from audit_events`;
    await old(2_500, "91 days");
    await old(3, "89 days");
    await cleanUpAudit(world.ctx);
    expect(await left()).toBe(3);
    const [after] = await world.sql`select count(*)::int as count from audit_events`;
    expect(after?.count).toBe(before?.count + 3);
  });

  test("removes nothing where AUDIT_DAYS is 0", async () => {
    await old(5, "99 years");
    await cleanUpAudit({ ...world.ctx, config: { ...world.config, auditDays: 0 } });
    expect(await left()).toBe(8);
  });
});
