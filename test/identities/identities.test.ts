// A person's own identities: linking, listing, unlinking, and accounts without a password.
import { afterAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { cleanUpVisits } from "../../src/identities/visits.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { outcomeOf } from "../world/browser.ts";
import { startMailbox, tokenOf } from "../world/mailbox.ts";
import { startWorld } from "../world/world.ts";
import { returnTo, useStage } from "./stage.ts";

const mailbox = await startMailbox();
const stage = useStage({ env: { SMTP_URL: mailbox.url, MAIL_FROM: "coop@example.com" } });
// Once the server has closed its connections.
afterAll(() => mailbox.stop());
const password = "correct horse battery";

async function member() {
  const username = stage.newName("member");
  const input = { username, email: `${username}@example.org`, password };
  await stage.world.call("POST", "/api/auth/register", input);
  const { body } = await stage.world.call("POST", "/api/auth/login", input);
  return { username, ...stage.session(body.access_token) };
}
type Session = Pick<Awaited<ReturnType<typeof member>>, "headers" | "api">;

function octocat() {
  const login = stage.newName("octo");
  const emails = [{ email: `${login}@example.com`, primary: true, verified: true }];
  stage.gitHub.accounts.set(login, {
    id: 5_000 + login.length * 100 + Number(/\d+/.exec(login)),
    login,
    emails,
  });
  return { login, browser: stage.browser(login) };
}

async function link(session: Session, browser: ReturnType<typeof stage.browser>, provider: string) {
  const path = `/api/auth/identities/${provider}?return_to=${encodeURIComponent(returnTo)}`;
  const init = { method: "POST", headers: session.headers };
  const begun = await browser.fetch(stage.world.url + path, init);
  const first = z.object({ url: z.string() }).parse(await begun.json());
  const { url } = await browser.open(first.url);
  return outcomeOf(url);
}
const listed = async ({ api }: Session) => (await api("GET", "/api/auth/identities")).body;
const unlink = ({ api }: Session, id: unknown) => api("DELETE", `/api/auth/identities/${id}`);

describe("linking", () => {
  test("adds an account to one's own, and signs in with it from then on", async () => {
    const person = await member();
    const { login, browser } = octocat();
    expect(await listed(person)).toEqual([]);
    expect(await link(person, browser, "github")).toEqual({ linked: "github" });
    expect(await listed(person)).toEqual([
      {
        id: expect.any(Number),
        provider: "github",
        label: login,
        created_at: expect.any(String),
        last_used_at: expect.any(String),
      },
    ]);
    const { api } = await stage.signIn(browser, "github");
    const { body: me } = await api("GET", "/api/auth/me");
    expect(me).toMatchObject({ username: person.username, has_password: true });
    // The address stays, and is no more verified than before.
    expect(me).toMatchObject({ email: `${person.username}@example.org`, email_verified: false });
    // Linking the same account once more changes nothing.
    expect(await link(person, browser, "github")).toEqual({ linked: "github" });
    expect(await listed(person)).toHaveLength(1);
  });

  test("is how somebody whose address is known comes in", async () => {
    const { account, email, browser } = stage.employee();
    const input = { username: account, email, password };
    await stage.world.call("POST", "/api/auth/register", input);
    expect((await stage.visit(browser)).outcome.error).toBe("email_taken");
    const { body } = await stage.world.call("POST", "/api/auth/login", input);
    expect(await link(stage.session(body.access_token), browser, "oidc")).toEqual({
      linked: "oidc",
    });
    await stage.signIn(browser);
  });

  test("takes a recent sign-in, which a stolen session is not", async () => {
    const person = await member();
    const path = "/api/auth/identities/github";
    await stage.world.sql`
      update sessions set created_at = now() - interval '11 minutes'
      where user_id = (select id from users where username = ${person.username})
    `;
    const refused = await person.api("POST", path);
    expectProblem(refused, 403, "sign_in_again");
    expect(refused.body.detail).toContain("sign in again");
    const webhook = { url: "https://hooks.example.com/", events: ["mention"] };
    expectProblem(await person.api("POST", "/api/webhooks", webhook), 403, "sign_in_again");
    expect((await person.api("GET", "/api/webhooks")).body).toEqual([]);
    const login = { username: person.username, password };
    const { body } = await stage.world.call("POST", "/api/auth/login", login);
    const fresh = stage.session(body.access_token);
    expect(await link(fresh, octocat().browser, "github")).toEqual({ linked: "github" });
    expect((await fresh.api("POST", "/api/webhooks", webhook)).status).toBe(200);
  });

  test("is not alone: another address of a person's webhook takes a recent sign-in, too", async () => {
    const person = await member();
    const webhook = { url: "https://hooks.example.com/", events: ["mention"] };
    const { body: own } = await person.api("POST", "/api/webhooks", webhook);
    await stage.world.sql`
      update sessions set created_at = now() - interval '11 minutes'
      where user_id = (select id from users where username = ${person.username})
    `;
    const path = `/api/webhooks/${own.id}`;
    const elsewhere = { url: "https://thief.example.com/" };
    expectProblem(await person.api("PATCH", path, elsewhere), 403, "sign_in_again");
    expect((await person.api("GET", path)).body.url).toBe(webhook.url);
    // Repeating the address, or turning the webhook off, leaves nothing behind.
    const kept = { url: webhook.url, is_enabled: false };
    expect((await person.api("PATCH", path, kept)).body).toMatchObject(kept);
    const login = { username: person.username, password };
    const { body } = await stage.world.call("POST", "/api/auth/login", login);
    const fresh = stage.session(body.access_token);
    expect((await fresh.api("PATCH", path, elsewhere)).body).toMatchObject(elsewhere);
  });

  test("is told to the address once, and names the account", async () => {
    const person = await member();
    const email = `${person.username}@example.org`;
    const { login, browser } = octocat();
    await link(person, browser, "github");
    const { raw } = await mailbox.mailTo(email, 2);
    expect(raw.replaceAll(/\s+/g, " ")).toContain(`the account ${login} (GitHub) was linked`);
    await link(person, browser, "github");
    await stage.world.jobs.idle();
    expect(mailbox.mails.filter(({ to }) => to.includes(email))).toHaveLength(2);
  });

  test("by somebody who has registered with the address of another person does not outlast that person's reset", async () => {
    const victim = stage.employee("victim");
    const input = { username: stage.newName("eve"), email: victim.email, password };
    await stage.world.call("POST", "/api/auth/register", input);
    const { body } = await stage.world.call("POST", "/api/auth/login", input);
    const eve = octocat();
    expect(await link(stage.session(body.access_token), eve.browser, "github")).toEqual({
      linked: "github",
    });
    await mailbox.mailTo(victim.email, 2);
    // She comes back from the provider while the victim resets the password.
    const begun = await stage.visit(eve.browser, "github");
    expect((await stage.visit(victim.browser)).outcome.error).toBe("email_taken");
    await stage.world.call("POST", "/api/auth/password/forgot", { email: victim.email });
    const token = tokenOf(await mailbox.mailTo(victim.email, 3));
    const change = { token, password: "another horse battery" };
    expect((await stage.world.call("POST", "/api/auth/password/reset", change)).status).toBe(200);
    expectProblem(await stage.exchange(eve.browser, begun.outcome.code), 401, "invalid_token");
    const { api } = await stage.signIn(eve.browser, "github");
    expect((await api("GET", "/api/auth/me")).body.username).not.toBe(input.username);
  });

  test("has a limit", async () => {
    const person = await member();
    const { body: me } = await person.api("GET", "/api/auth/me");
    await stage.world.sql`
      insert into identities (user_id, provider, issuer, subject, label)
      select ${me.id}, 'oidc', 'https://filled.example', n::text || ${person.username}, 'one' from generate_series(1, 20) n
    `;
    const outcome = await link(person, stage.employee().browser, "oidc");
    expect(outcome).toEqual({ error: "too_many_identities", provider: "oidc" });
  });

  test("with a provider that is not set up, or a return address that is not allowed, is refused", async () => {
    const person = await member();
    expectProblem(await person.api("POST", "/api/auth/identities/google"), 404, "not_found");
    const bad = "/api/auth/identities/oidc?return_to=https://evil.example/";
    expectInvalid(await person.api("POST", bad), "/return_to");
    expectProblem(
      await stage.world.call("POST", "/api/auth/identities/oidc"),
      401,
      "invalid_token",
    );
  });
});

describe("unlinking", () => {
  test("ends signing in with the account, which is then a stranger", async () => {
    const person = await member();
    const { browser } = octocat();
    await link(person, browser, "github");
    const [{ id }] = await listed(person);
    expect((await unlink(person, id)).status).toBe(200);
    expect(await listed(person)).toEqual([]);
    const { api } = await stage.signIn(browser, "github");
    expect((await api("GET", "/api/auth/me")).body.username).not.toBe(person.username);
    expectProblem(await unlink(person, id), 404, "not_found");
  });

  test("never takes the last way in, also when two are unlinked at once", async () => {
    const session = await stage.signIn(stage.employee().browser);
    const [{ id: first }] = await listed(session);
    expectProblem(await unlink(session, first), 409, "last_way_in");
    await link(session, octocat().browser, "github");
    const ids: number[] = (await listed(session)).map(({ id }: { id: number }) => id);
    const { id: user } = (await session.api("GET", "/api/auth/me")).body;
    for (let n = 0; n < 3; n += 1) {
      const answers = await Promise.all(ids.map((id) => unlink(session, id)));
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
      expect(await listed(session)).toHaveLength(1);
      await stage.world.sql`delete from identities where user_id = ${user}`;
      await stage.world.sql`
        insert into identities ${stage.world.sql(
          ids.map((id) => ({
            id,
            user_id: user,
            provider: "oidc",
            issuer: "i",
            subject: `${id}`,
            label: "one",
          })),
        )}
      `;
    }
  });

  test("of somebody else's account finds none", async () => {
    const owner = await stage.signIn(stage.employee().browser);
    const [{ id }] = await listed(owner);
    expectProblem(await unlink(await member(), id), 404, "not_found");
    expectInvalid(await unlink(owner, "none"), "/identity");
    expect(await listed(owner)).toHaveLength(1);
  });
});

describe("an account without a password", () => {
  test("lets no password in, and can't be deleted by one", async () => {
    const { account, browser } = stage.employee();
    const { api } = await stage.signIn(browser);
    for (const guess of ["!", "password", "none"]) {
      const input = { username: account, password: guess };
      const login = await stage.world.call("POST", "/api/auth/login", input);
      expectProblem(login, 401, "invalid_credentials");
      const deletion = { password: guess, messages: "keep" };
      expectProblem(await api("DELETE", "/api/auth/me", deletion), 409, "no_password");
    }
  });

  test("gets one soon after a sign-in only, and can then be unlinked and deleted", async () => {
    const { account, browser } = stage.employee();
    const session = await stage.signIn(browser);
    const { api } = session;
    const set = (current_password: unknown) =>
      api("POST", "/api/auth/password", { current_password, new_password: password });
    await stage.world.sql`
      update sessions set created_at = now() - interval '11 minutes'
      where user_id = (select id from users where username = ${account})
    `;
    expectProblem(await set(null), 409, "no_password");
    expectProblem(await set("anything"), 409, "no_password");
    const fresh = await stage.signIn(browser);
    const input = { current_password: null, new_password: password };
    expect((await fresh.api("POST", "/api/auth/password", input)).status).toBe(200);
    expect((await fresh.api("GET", "/api/auth/me")).body.has_password).toBe(true);
    // The session before is over, as with any change of the password, and the next change asks for the present one.
    expectProblem(await set(null), 401, "invalid_token");
    expectProblem(await fresh.api("POST", "/api/auth/password", input), 403, "wrong_password");
    const login = { username: account, password };
    expect((await stage.world.call("POST", "/api/auth/login", login)).status).toBe(200);
    const [{ id }] = await listed(fresh);
    expect((await unlink(fresh, id)).status).toBe(200);
    const deletion = { password, messages: "keep" };
    expect((await fresh.api("DELETE", "/api/auth/me", deletion)).status).toBe(200);
  });
});

test("a mail gives an account its first password, without another way in", async () => {
  const { account, email, browser } = stage.employee();
  const session = await stage.signIn(browser);
  await stage.world.call("POST", "/api/auth/password/forgot", { email });
  const token = tokenOf(await mailbox.mailTo(email));
  const reset = await stage.world.call("POST", "/api/auth/password/reset", { token, password });
  expect(reset.status).toBe(200);
  expectProblem(await session.api("GET", "/api/auth/me"), 401, "invalid_token");
  const login = { username: account, password };
  expect((await stage.world.call("POST", "/api/auth/login", login)).status).toBe(200);
  await stage.signIn(browser);
});

test("a deleted account's identities are gone, and the person comes back as somebody new", async () => {
  const { account, browser } = stage.employee();
  const { api } = await stage.signIn(browser);
  const { body: me } = await api("GET", "/api/auth/me");
  await api("POST", "/api/auth/password", { current_password: null, new_password: password });
  const { outcome } = await stage.visit(browser);
  await api("DELETE", "/api/auth/me", { password, messages: "keep" });
  expectProblem(await stage.exchange(browser, outcome.code), 401, "invalid_token");
  const left = await stage.world.sql`
    select user_id from identities where user_id = ${me.id} union all select user_id from sign_in_codes where user_id = ${me.id}
  `;
  expect(left).toHaveLength(0);
  const again = await stage.signIn(browser);
  const { body: other } = await again.api("GET", "/api/auth/me");
  expect(other.id).not.toBe(me.id);
  // The username of a deleted account belongs to nobody else.
  expect(other.username).toMatch(new RegExp(`^${account}\\d{2,6}$`));
});

test("an export lists identities", async () => {
  const { account, email, browser } = stage.employee();
  const { api } = await stage.signIn(browser);
  const { body } = await api("GET", "/api/auth/me/export");
  const lines: { type: string }[] = body
    .trim()
    .split("\n")
    .map((line: string) => JSON.parse(line));
  expect(lines.filter(({ type }) => type === "identity")).toMatchObject([
    { provider: "oidc", issuer: stage.provider.issuer, subject: account, label: email },
  ]);
});

test("what was linked and unlinked is in the audit trail", async () => {
  const person = await member();
  const { browser } = octocat();
  await link(person, browser, "github");
  await link(await member(), browser, "github");
  await unlink(person, (await listed(person))[0].id);
  const events = await stage.world.sql`
    select actor_name, action, outcome, details from audit_events
    where action like '%link_identity' order by id desc limit 3
  `;
  const details = { provider: "github" };
  expect([...events].reverse()).toMatchObject([
    { actor_name: person.username, action: "link_identity", outcome: "ok", details },
    { action: "link_identity", outcome: "identity_taken", details },
    { actor_name: person.username, action: "unlink_identity", outcome: "ok", details },
  ]);
});

test("visits and codes that have expired are removed, and no others", async () => {
  const { browser } = stage.employee();
  await stage.callback(browser);
  await stage.visit(stage.employee().browser);
  const { sql, ctx } = stage.world;
  const counts = () => sql`
    select (select count(*)::int from provider_visits) as visits, (select count(*)::int from sign_in_codes) as codes
  `;
  await sql`update provider_visits set expires_at = now() + interval '1 minute'`;
  const [before] = await counts();
  await cleanUpVisits(ctx);
  expect((await counts())[0]).toEqual(before);
  expect(before).toEqual({ visits: expect.any(Number), codes: expect.any(Number) });
  await sql`update provider_visits set expires_at = now() - interval '1 second'`;
  await sql`update sign_in_codes set expires_at = now() - interval '1 second'`;
  await cleanUpVisits(ctx);
  expect((await counts())[0]).toEqual({ visits: 0, codes: 0 });
});

test("visits are limited for each address", async () => {
  const strict = await startWorld({
    env: {
      RATE_LIMITS: "memory",
      OAUTH_GITHUB_CLIENT_ID: "id",
      OAUTH_GITHUB_CLIENT_SECRET: "secret",
    },
  });
  try {
    const begin = () => fetch(`${strict.url}/api/auth/oauth/github`, { redirect: "manual" });
    const first = await begin();
    expect(first.status).toBe(302);
    expect(first.headers.get("location")).toStartWith("https://github.com/login/oauth/authorize?");
    expect(first.headers.get("ratelimit-policy")).toContain(
      `"providerSignIns-address";q=1200;w=600`,
    );
  } finally {
    await strict.stop();
  }
});
