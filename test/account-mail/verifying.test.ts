import { beforeAll, describe, expect, test } from "bun:test";
import { Passwords } from "../../src/accounts/passwords.ts";
import { cleanUpLinks } from "../../src/account-mail/actions.ts";
import { expectProblem } from "../http/refusals.ts";
import { tokenOf } from "../world/mailbox.ts";
import type { Person } from "../world/world.ts";
import { another, password, useAccountMail } from "./use-account-mail.ts";

const { mailbox, world, registered, login, forgot, reset, verify } = await useAccountMail();
let hash: string;
beforeAll(async () => {
  hash = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
});

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
