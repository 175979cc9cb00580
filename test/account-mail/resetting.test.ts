import { describe, expect, test } from "bun:test";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { tokenOf } from "../world/mailbox.ts";
import { another, useAccountMail } from "./use-account-mail.ts";

const { mailbox, world, registered, login, forgot, reset, verify } = await useAccountMail();

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
    // While the account is locked, the reset waits for it, and then whoever adds something.
    const transaction = await world.sql.reserve();
    const requests: ReturnType<typeof reset>[] = [];
    try {
      await transaction`begin`;
      await transaction`select id from users where username = ${username} for update`;
      requests.push(reset(token));
      await world.untilBlocked(1);
      const key = { name: "Key", scopes: ["profile:read"] };
      requests.push(world.call("POST", "/api/auth/keys", key, bearer));
      const webhook = { url: "https://hooks.example.com/", events: ["mention"] };
      requests.push(world.call("POST", "/api/webhooks", webhook, bearer));
      await world.untilBlocked(3);
    } finally {
      await transaction`rollback`;
      transaction.release();
    }
    const [done, ...added] = await Promise.all(requests);
    expect(done?.status).toBe(200);
    // Whoever comes after the reset has no session any more.
    for (const { status } of added) expect([200, 401]).toContain(status);
    const left = await world.sql`
      select k.id from access_keys k join users u on u.id = k.user_id where u.username = ${username}
      union all select w.id from webhooks w join users u on u.id = w.user_id where u.username = ${username}
    `;
    expect([...left]).toEqual([]);
  });

  test("leaves nothing to those who were adding something when their session ended", async () => {
    const { username } = await registered();
    const { body: tokens } = await login(username);
    const bearer = { authorization: `Bearer ${tokens.access_token}` };
    const { body: chat } = await world.call("POST", "/api/chats", { is_group: true }, bearer);
    const kept = { url: "https://kept.example.com/", events: ["mention"] };
    const { body: webhook } = await world.call("POST", "/api/webhooks", kept, bearer);
    const transaction = await world.sql.reserve();
    const requests: ReturnType<typeof reset>[] = [];
    try {
      await transaction`begin`;
      await transaction`
        select from users, chats where username = ${username} and chats.id = ${chat.id} for update
      `;
      const key = { name: "Key", scopes: ["profile:read"] };
      const url = "https://hooks.example.com/";
      const ofChat = `/api/chats/${chat.id}/webhooks`;
      requests.push(
        world.call("POST", "/api/auth/keys", key, bearer),
        world.call("POST", "/api/webhooks", { url, events: ["mention"] }, bearer),
        world.call("POST", ofChat, { url, events: ["message.created"] }, bearer),
        world.call("PATCH", `/api/webhooks/${webhook.id}`, { url }, bearer),
      );
      await world.untilBlocked(4);
      await transaction`
        delete from sessions using users u where u.id = user_id and u.username = ${username}
      `;
    } finally {
      await transaction`commit`;
      transaction.release();
    }
    for (const answer of await Promise.all(requests)) expectProblem(answer, 401, "invalid_token");
    const left = await world.sql`
      select k.name from access_keys k join users u on u.id = k.user_id where u.username = ${username}
      union all select w.url from webhooks w join users u on u.id = w.user_id where u.username = ${username}
    `;
    expect([...left]).toEqual([{ name: kept.url }]);
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
