import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Passwords } from "../../src/accounts/passwords.ts";
import { cleanUpLinks } from "../../src/account-mail/actions.ts";
import { addJob } from "../../src/jobs/queries.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { CapturedLog } from "../world/captured.ts";
import { startMailbox, tokenOf } from "../world/mailbox.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";

const mailbox = await startMailbox();
const log = new CapturedLog();
const world = useWorld({
  env: {
    SMTP_URL: mailbox.url,
    MAIL_FROM: "Gemini Coop <coop@example.com>",
    PUBLIC_URL: "https://chat.example.com/",
  },
  durations: { mailRetryMs: [1, 1] },
  logTo: log,
});
afterAll(() => mailbox.stop());

const password = "correct horse battery";
const another = "another horse battery";
let people = 0;
let hash: string;
beforeAll(async () => {
  hash = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
});

interface Registered {
  username: string;
  email: string;
}

async function registered(): Promise<Registered> {
  people += 1;
  const username = `mailed${people}`;
  const email = `${username}@example.com`;
  const { status } = await world.call("POST", "/api/auth/register", { username, email, password });
  expect(status).toBe(200);
  await mailbox.mailTo(email);
  return { username, email };
}

const login = (username: string, typed = password) =>
  world.call("POST", "/api/auth/login", { username, password: typed });
const forgot = (email: unknown) => world.call("POST", "/api/auth/password/forgot", { email });
const reset = (token: string, next: unknown = another) =>
  world.call("POST", "/api/auth/password/reset", { token, password: next });
const verify = (token: unknown) => world.call("POST", "/api/auth/email/verify", { token });
const emailOf = async (person: Person) => {
  const { email, email_verified } = (await person.api("GET", "/api/auth/me")).body;
  return { email, email_verified };
};

describe("verifying an address", () => {
  test("works by the link that registering sends, once", async () => {
    const { username, email } = await registered();
    const { body: tokens } = await login(username);
    const me = async () =>
      (
        await world.call("GET", "/api/auth/me", undefined, {
          authorization: `Bearer ${tokens.access_token}`,
        })
      ).body;
    expect(await me()).toMatchObject({ email, email_verified: false });
    const mail = await mailbox.mailTo(email);
    expect(mail.raw).toMatch(/^From: Gemini Coop <coop@example\.com>\r?$/m);
    expect(mail.raw).toMatch(/^Content-Type: text\/plain/m);
    expect(mail.raw).toMatch(/^Content-Type: text\/html/m);
    expect(mail.raw).toContain("https://chat.example.com/#/verify-email/");
    const token = tokenOf(mail);
    const stored = await world.sql`select to_jsonb(l)::text as row from mail_links l`;
    expect(JSON.stringify([...stored])).not.toContain(token);
    expect((await verify(token)).status).toBe(200);
    expect(await me()).toMatchObject({ email, email_verified: true });
    expectProblem(await verify(token), 410, "invalid_link");
  });

  test("changes the address when the link is used, not before, and tells the old one", async () => {
    const ann = await world.person("ann");
    const to = `new.${ann.email}`;
    const answer = await ann.api("POST", "/api/auth/email", { email: to });
    expect(answer.status).toBe(200);
    const mail = await mailbox.mailTo(to);
    expect(await emailOf(ann)).toEqual({ email: ann.email, email_verified: false });
    // A link for the password that was sent to the old address ends with it.
    await forgot(ann.email);
    const old = tokenOf(await mailbox.mailTo(ann.email));
    expect((await verify(tokenOf(mail))).status).toBe(200);
    expect(await emailOf(ann)).toEqual({ email: to, email_verified: true });
    expect((await mailbox.mailTo(ann.email, 2)).raw).toContain(`is ${to} now`);
    expectProblem(await reset(old), 410, "invalid_link");
  });

  test.each([
    ["other sessions end", (ann: Person) => ann.api("DELETE", "/api/auth/sessions")],
    [
      "the password is changed",
      (ann: Person) =>
        ann.api("POST", "/api/auth/password", {
          current_password: password,
          new_password: another,
        }),
    ],
    [
      "the password is reset",
      async (ann: Person) => {
        await forgot(ann.email);
        return await reset(tokenOf(await mailbox.mailTo(ann.email)));
      },
    ],
  ])("to another one ends when %s, since a thief may have asked for it", async (_, end) => {
    const ann = await world.person("ann");
    await world.sql`
      update users set hashed_password = ${hash} where id = ${ann.id}
    `;
    await world.sql`
      insert into sessions (user_id, id, refresh_token_hash, expires_at)
      values (${ann.id}, gen_random_uuid(), 'x', now() + interval '1 hour')
    `;
    const to = `thief.of.${ann.email}`;
    expect((await ann.api("POST", "/api/auth/email", { email: to })).status).toBe(200);
    const token = tokenOf(await mailbox.mailTo(to));
    expect((await end(ann)).status).toBe(200);
    expectProblem(await verify(token), 410, "invalid_link");
  });

  test("answers the same for an address of somebody else, who is told, and gets no link", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const free = await ann.api("POST", "/api/auth/email", { email: `free.${ann.email}` });
    const taken = await ann.api("POST", "/api/auth/email", { email: ben.email.toUpperCase() });
    expect(taken.body).toEqual(free.body);
    const mail = await mailbox.mailTo(ben.email.toUpperCase());
    expect(mail.raw).not.toContain("#/");
    expect(mail.raw).not.toContain(ann.username);
    expect(await emailOf(ben)).toEqual({ email: ben.email, email_verified: false });
  });

  test("is refused when somebody else has got the address meanwhile", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const email = `both.${ann.email}`;
    await ann.api("POST", "/api/auth/email", { email });
    await mailbox.mailTo(email, 1);
    await ben.api("POST", "/api/auth/email", { email });
    const [first, second] = [await mailbox.mailTo(email, 1), await mailbox.mailTo(email, 2)];
    expect((await verify(tokenOf(first))).status).toBe(200);
    expectProblem(await verify(tokenOf(second)), 409, "email_taken");
    expect((await emailOf(ann)).email).toBe(email);
    expect((await emailOf(ben)).email).toBe(ben.email);
  });
});

describe("resetting a password", () => {
  test("ends all sessions and sockets, is told to the address, and keeps access keys", async () => {
    const { username, email } = await registered();
    await verify(tokenOf(await mailbox.mailTo(email)));
    const { body: tokens } = await login(username);
    const bearer = { authorization: `Bearer ${tokens.access_token}` };
    const key = { name: "Key", scopes: ["profile:read"] };
    const { body: made } = await world.call("POST", "/api/auth/keys", key, bearer);
    await forgot(email.toUpperCase());
    const mail = await mailbox.mailTo(email, 2);
    expect(mail.raw).toContain("https://chat.example.com/#/reset-password/");
    expect((await reset(tokenOf(mail))).status).toBe(200);
    expectProblem(await world.call("GET", "/api/auth/me", undefined, bearer), 401, "invalid_token");
    const { refresh_token } = tokens;
    const refreshed = await world.call("POST", "/api/auth/refresh", { refresh_token });
    expectProblem(refreshed, 401, "invalid_token");
    expectProblem(await login(username), 401, "invalid_credentials");
    const { body: next } = await login(username, another);
    const me = { authorization: `Bearer ${next.access_token}` };
    expect((await world.call("GET", "/api/auth/me", undefined, me)).body.email_verified).toBe(true);
    expect((await mailbox.mailTo(email, 3)).raw).toContain("your password was reset");
    const byKey = { authorization: `Bearer ${made.key}` };
    expect((await world.call("GET", "/api/auth/me", undefined, byKey)).status).toBe(200);
  });

  /** Somebody who can get in, and is told, by more than a password. */
  async function withWaysIn() {
    const { username, email } = await registered();
    const { body: tokens } = await login(username);
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    const bearer = as(tokens.access_token);
    const make = async (path: string, input: object) => {
      const { status, body } = await world.call("POST", path, input, bearer);
      expect({ path, status, body }).toMatchObject({ status: 200 });
      return body;
    };
    const [{ id } = { id: 0 }] = await world.sql`
      select id from users where username = ${username}
    `;
    await world.sql`
      insert into identities (user_id, provider, issuer, subject, label)
      values (${id}, 'github', 'https://github.com', ${username}, 'octocat')
    `;
    const key = await make("/api/auth/keys", { name: "Key", scopes: ["profile:read"] });
    const bot = await make("/api/bots", { username: `${username}bot` });
    const botKey = await make(`/api/bots/${bot.id}/keys`, {
      name: "Bot",
      scopes: ["profile:read"],
    });
    const chat = await make("/api/chats", { title: "Ours" });
    const url = "https://hooks.example.com/secret";
    await make("/api/webhooks", { url, events: ["mention"] });
    await make(`/api/chats/${chat.id}/webhooks`, { url, events: ["message.created"] });
    const left = async () => {
      const asked = [key.key, botKey.key].map((made: string) =>
        world.call("GET", "/api/auth/me", undefined, as(made)),
      );
      const [row] = await world.sql`
        select (select count(*)::int from identities where user_id = ${id}) as identities,
          (select count(*)::int from webhooks where user_id = ${id}) as webhooks
      `;
      const keys = (await Promise.all(asked)).map(({ status }) => status);
      return { identities: row?.identities, webhooks: row?.webhooks, keys };
    };
    return { username, email, left };
  }
  const resetBy = async (email: string) => {
    await forgot(email);
    expect((await reset(tokenOf(await mailbox.mailTo(email, 2)))).status).toBe(200);
    return (await mailbox.mailTo(email, 3)).raw.replaceAll(/\s+/g, " ");
  };

  test("of an address that nobody had confirmed ends all other ways in, since somebody else may have made the account", async () => {
    const { username, email, left } = await withWaysIn();
    const bystander = await withWaysIn();
    const all = { identities: 1, webhooks: 2, keys: [200, 200] };
    expect(await left()).toEqual(all);
    const letter = await resetBy(email);
    expect(await left()).toEqual({ identities: 0, webhooks: 0, keys: [401, 401] });
    expect(letter).toContain("webhooks were therefore removed");
    expect(await bystander.left()).toEqual(all);
    const [event] = await world.sql`
      select details from audit_events where actor_name = ${username} and action = 'reset_password'
    `;
    expect(event?.details).toEqual({ was_verified: false, identities: 1, keys: 2, webhooks: 2 });
  });

  test("of an address that nobody had confirmed ends what is being added at that moment, too", async () => {
    const { username, email } = await registered();
    const { body: tokens } = await login(username);
    const bearer = { authorization: `Bearer ${tokens.access_token}` };
    await forgot(email);
    const token = tokenOf(await mailbox.mailTo(email, 2));
    const waiting = async (count: number) => {
      for (;;) {
        const [row] = await world.sql`
          select count(*)::int as count from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'
        `;
        if (row?.count === count) return;
        await Bun.sleep(5);
      }
    };
    // While the account is locked, the reset waits for it, and then whoever adds something.
    const transaction = await world.sql.reserve();
    const requests: ReturnType<typeof reset>[] = [];
    try {
      await transaction`begin`;
      await transaction`select id from users where username = ${username} for update`;
      requests.push(reset(token));
      await waiting(1);
      const key = { name: "Key", scopes: ["profile:read"] };
      requests.push(world.call("POST", "/api/auth/keys", key, bearer));
      const webhook = { url: "https://hooks.example.com/", events: ["mention"] };
      requests.push(world.call("POST", "/api/webhooks", webhook, bearer));
      await waiting(3);
    } finally {
      await transaction`rollback`;
      transaction.release();
    }
    const answers = await Promise.all(requests);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const left = await world.sql`
      select k.id from access_keys k join users u on u.id = k.user_id where u.username = ${username}
      union all select w.id from webhooks w join users u on u.id = w.user_id where u.username = ${username}
    `;
    expect([...left]).toEqual([]);
  });

  test("of a confirmed address keeps the other ways in, and names linked accounts and the hosts of webhooks", async () => {
    const { email, left } = await withWaysIn();
    await verify(tokenOf(await mailbox.mailTo(email)));
    const letter = await resetBy(email);
    expect(await left()).toEqual({ identities: 1, webhooks: 2, keys: [200, 200] });
    expect(letter).toContain("These linked accounts still sign in: octocat (github).");
    expect(letter).toContain("at: hooks.example.com.");
    expect(letter).not.toContain("/secret");
  });

  test("works once, of several requests at once too, and ends the other links", async () => {
    const { username, email } = await registered();
    await forgot(email);
    await forgot(email);
    const [first, second] = [await mailbox.mailTo(email, 2), await mailbox.mailTo(email, 3)];
    const answers = await Promise.all(
      [1, 2, 3].map((n) => reset(tokenOf(first), `${another}${n}`)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 410, 410]);
    expectProblem(await reset(tokenOf(second)), 410, "invalid_link");
    const n = answers.findIndex(({ status }) => status === 200) + 1;
    expect((await login(username, `${another}${n}`)).status).toBe(200);
  });

  test("answers the same for an address that nobody has, and sends nothing there", async () => {
    const { email } = await registered();
    const [known, unknown] = [await forgot(email), await forgot("nobody@example.com")];
    expect(unknown.body).toEqual(known.body);
    expect(unknown.status).toBe(200);
    await mailbox.mailTo(email, 2);
    expect(mailbox.mails.filter(({ to }) => to.includes("nobody@example.com"))).toEqual([]);
  });

  test("looks nothing up before the reply", async () => {
    const { email } = await registered();
    // While the table is locked, whoever looks something up in it waits.
    const transaction = await world.sql.reserve();
    try {
      await transaction`begin`;
      await transaction`lock table users in access exclusive mode`;
      expect((await forgot(email)).status).toBe(200);
      expect((await forgot("nobody@example.com")).status).toBe(200);
    } finally {
      await transaction`rollback`;
      transaction.release();
    }
    await mailbox.mailTo(email, 2);
  });

  test("is refused after 30 minutes", async () => {
    const { email } = await registered();
    await forgot(email);
    const mail = await mailbox.mailTo(email, 2);
    await world.sql`update mail_links set expires_at = now() where email = ${email}`;
    expectProblem(await reset(tokenOf(mail)), 410, "invalid_link");
    const [row] = await world.sql`
      select extract(epoch from expires_at - created_at)::int as seconds from mail_links
      where email <> ${email} limit 1
    `;
    expect(row?.seconds).toBe(1_800);
  });

  test("is not what the link for an address does, and the other way round", async () => {
    const { email } = await registered();
    const verifying = tokenOf(await mailbox.mailTo(email, 1));
    await forgot(email);
    const resetting = tokenOf(await mailbox.mailTo(email, 2));
    expectProblem(await reset(verifying), 410, "invalid_link");
    expectProblem(await verify(resetting), 410, "invalid_link");
    expectInvalid(await reset(resetting, "short"), "/password");
    expectInvalid(await reset(""), "/token");
    expectInvalid(await verify(null), "/token");
    expectInvalid(await forgot("nobody"), "/email");
  });

  test("sends at most 5 mails an hour to one account", async () => {
    const { email } = await registered();
    for (let n = 0; n < 8; n += 1) await forgot(email);
    await mailbox.mailTo(email, 6);
    await forgot("nobody@example.com");
    await world.jobs.idle();
    expect(mailbox.mails.filter(({ to }) => to.includes(email))).toHaveLength(6);
  });
});

describe("the mail server", () => {
  test("that refuses for a moment is asked again", async () => {
    const { email } = await registered();
    mailbox.refuse(2);
    await forgot(email);
    expect(tokenOf(await mailbox.mailTo(email, 2))).toBeString();
    const links = await world.sql`
      select from mail_links l join users u on u.id = l.user_id where u.email = ${email} and purpose = 'reset_password'
    `;
    expect(links).toHaveLength(1);
  });

  test("gets a mail that waited while the server was down, whose job has neither a link nor a text", async () => {
    const { email } = await registered();
    await mailbox.mailTo(email);
    let stored = "";
    await world.restart(async () => {
      const payload = { kind: "reset_password", email };
      await addJob(world.sql, { kind: "mail", payload });
      stored = JSON.stringify([...(await world.sql`select payload from jobs`)]);
    });
    expect(JSON.parse(stored)).toEqual([{ payload: { kind: "reset_password", email } }]);
    expect(tokenOf(await mailbox.mailTo(email, 2))).toBeString();
    await world.jobs.idle();
    expect(await world.sql`select from jobs where dead_at is null`).toHaveLength(0);
  });

  test("that goes on refusing is given up on, and the log has neither the address nor the link", async () => {
    const { email } = await registered();
    mailbox.refuse(3);
    await forgot(email);
    const line = await log.find({ msg: "a mail was given up" });
    expect(line).toMatchObject({ level: 50, kind: "reset_password" });
    expect(JSON.stringify(line)).not.toContain("#/reset-password");
    await world.jobs.idle();
    const dead = await world.sql`select payload, order_key from jobs where dead_at is not null`;
    expect([...dead]).toEqual([{ payload: {}, order_key: null }]);
    const other = await registered();
    expect(other.email).toBeString();
  });
});

test("links that are older than an hour are removed", async () => {
  const { email } = await registered();
  await world.sql`update mail_links set created_at = now() - interval '61 min' where email = ${email}`;
  await cleanUpLinks(world.ctx);
  expect(await world.sql`select 1 from mail_links where email = ${email}`).toHaveLength(0);
});

test("what was done is in the audit trail", async () => {
  const { username, email } = await registered();
  await verify(tokenOf(await mailbox.mailTo(email)));
  await forgot(email);
  await reset(tokenOf(await mailbox.mailTo(email, 2)));
  const events = await world.sql`
    select action, outcome from audit_events where actor_name = ${username} order by id
  `;
  expect(events.map(({ action, outcome }) => [action, outcome])).toEqual([
    ["register", "ok"],
    ["verify_email", "ok"],
    ["reset_password", "ok"],
  ]);
});

describe("without a mail server", () => {
  const maillessLog = new CapturedLog();
  let mailless: Awaited<ReturnType<typeof startWorld>>;
  beforeAll(async () => {
    mailless = await startWorld({ durations: { mailRetryMs: [1, 1] }, logTo: maillessLog });
  });
  afterAll(() => mailless.stop());

  test("the endpoints say so", async () => {
    const ann = await mailless.person("ann");
    const answers = [
      await ann.api("POST", "/api/auth/email", { email: "new@example.com" }),
      await mailless.call("POST", "/api/auth/email/verify", { token: "x" }),
      await mailless.call("POST", "/api/auth/password/forgot", { email: ann.email }),
      await mailless.call("POST", "/api/auth/password/reset", { token: "x", password: another }),
    ];
    for (const answer of answers) expectProblem(answer, 503, "mail_not_configured");
  });

  test("mails that wait from the time when there was one are given up, and their addresses go", async () => {
    const payload = { kind: "reset_password", email: "waiting@example.com" };
    await addJob(mailless.sql, { kind: "mail", orderKey: "mail:waiting", payload });
    mailless.ctx.jobs.wake();
    await maillessLog.find({ msg: "a mail was given up", kind: "reset_password" });
    await mailless.jobs.idle();
    const left =
      await mailless.sql`select payload, dead_at is not null as is_dead, error from jobs`;
    expect([...left]).toEqual([{ payload: {}, is_dead: true, error: "no mail server is set up" }]);
  });
});

test("in development the mail is written into the log", async () => {
  const written = new CapturedLog();
  const dev = await startWorld({ env: { NODE_ENV: "development" }, logTo: written });
  try {
    const ann = await dev.person("ann");
    await dev.call("POST", "/api/auth/password/forgot", { email: ann.email });
    const line = await written.find({ to: ann.email });
    expect(String(line.msg)).toContain("http://localhost:0/#/reset-password/");
  } finally {
    await dev.stop();
  }
});
