import { describe, expect, test } from "bun:test";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { outcomeOf } from "../world/browser.ts";
import { appCode } from "../world/app-codes.ts";
import { returnTo, useStage } from "./stage.ts";

const stage = useStage();

test("the providers that are set up are listed, with their names", async () => {
  const { body } = await stage.world.call("GET", "/api/auth/providers");
  expect(body).toEqual([
    { id: "github", name: "GitHub" },
    { id: "oidc", name: "The company" },
  ]);
});

describe("somebody who comes for the first time", () => {
  test("gets an account with a verified address and without a password, and comes back to it", async () => {
    const { account, email, browser } = stage.employee();
    const { url, outcome } = await stage.visit(browser);
    expect(url.href.split("#")[0]).toBe(returnTo);
    expect(outcome).toEqual({ code: expect.stringMatching(/^[\w-]{43}$/) });
    const { status, body } = await stage.exchange(browser, outcome.code);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([
      "access_token",
      "token_type",
      "expires_in",
      "refresh_token",
    ]);
    const { api } = stage.session(body.access_token);
    const { body: me } = await api("GET", "/api/auth/me");
    expect(me).toMatchObject({ username: account, email, email_verified: true });
    expect(me.has_password).toBe(false);
    const again = await stage.signIn(browser);
    expect((await again.api("GET", "/api/auth/me")).body.id).toBe(me.id);
    const events = await stage.world.sql`
      select action, outcome, details from audit_events where actor_id = ${me.id} order by id
    `;
    expect([...events]).toEqual([
      { action: "register", outcome: "ok", details: { provider: "oidc" } },
      { action: "sign_in", outcome: "ok", details: { provider: "oidc" } },
      { action: "sign_in", outcome: "ok", details: { provider: "oidc" } },
    ]);
  });

  test("returns to the page where no address is named", async () => {
    const { browser } = stage.employee();
    const { url } = await stage.visit(browser, "oidc", {});
    expect(url.href).toStartWith(`${stage.world.url}/#code=`);
  });

  test("keeps the account when the address and the names at the provider change", async () => {
    const { account, browser } = stage.employee();
    const first = await stage.signIn(browser);
    const { body: before } = await first.api("GET", "/api/auth/me");
    stage.provider.accounts.set(account, { email: "moved@example.com", email_verified: false });
    const second = await stage.signIn(browser);
    expect((await second.api("GET", "/api/auth/me")).body).toEqual(before);
    const { body: identities } = await second.api("GET", "/api/auth/identities");
    expect(identities).toMatchObject([{ provider: "oidc", label: "moved@example.com" }]);
  });

  test.each([
    ["taken", "Taken.Name", /^Taken\.Name\d{2,6}$/],
    ["reserved for the model", "gemini", /^local\d+$/],
    ["made of other letters", "Ádám Ölçer", /^Adam\.Olcer$/],
    ["made of none", "王小明", /^local\d+$/],
    ["too short", "x", /^local\d+$/],
    ["too long", "a".repeat(90), /^a{32}$/],
    ["a text with markup", "<b>bold</b>\u0000", /^bboldb$/],
    ["not a text", 42, /^local\d+$/],
  ])("gets a free username where the name is %s", async (_, name, expected) => {
    const input = { username: "taken.name", email: "taken@example.com" };
    await stage.world.call("POST", "/api/auth/register", { ...input, password: "correct horse" });
    const account = stage.newName("local");
    const claims = { email: `${account}@example.com`, email_verified: true };
    Object.assign(claims, { preferred_username: name });
    stage.provider.accounts.set(account, claims);
    const { api } = await stage.signIn(stage.browser(account));
    expect((await api("GET", "/api/auth/me")).body.username).toMatch(expected);
  });

  test("gets a username of digits where nothing tells a name", async () => {
    const account = stage.newName("nameless");
    stage.provider.accounts.set(account, { email: "__@example.com", email_verified: true });
    const { api } = await stage.signIn(stage.browser(account));
    expect((await api("GET", "/api/auth/me")).body.username).toMatch(/^user\d{2,6}$/);
  });

  test("is registered once by two tabs at the same time", async () => {
    const { account } = stage.employee();
    const tabs = await Promise.all([0, 1, 2].map(() => stage.signIn(stage.browser(account))));
    const ids = await Promise.all(
      tabs.map(async ({ api }) => (await api("GET", "/api/auth/me")).body.id),
    );
    expect(new Set(ids).size).toBe(1);
  });
});

describe("GitHub", () => {
  test("signs in by the number of the account, with the primary address that is verified", async () => {
    const login = stage.newName("octo");
    stage.gitHub.accounts.set(login, {
      id: 4711,
      login,
      name: null,
      emails: [
        { email: `other-${login}@example.com`, primary: false, verified: true },
        { email: `${login}@example.com`, primary: true, verified: true },
      ],
    });
    const browser = stage.browser(login);
    const { api } = await stage.signIn(browser, "github");
    const { body: me } = await api("GET", "/api/auth/me");
    expect(me).toMatchObject({ username: login, email: `${login}@example.com` });
    const rows = await stage.world.sql`
      select issuer, subject, label from identities where user_id = ${me.id}
    `;
    expect([...rows]).toEqual([{ issuer: stage.gitHub.url, subject: "4711", label: login }]);
    // Somebody else takes the login over.
    const renamed = stage.newName("renamed");
    const emails = [{ email: `${renamed}@example.com`, primary: true, verified: true }];
    stage.gitHub.accounts.set(login, { id: 815, login, name: "Mona", emails });
    const other = await stage.signIn(browser, "github");
    expect((await other.api("GET", "/api/auth/me")).body.id).not.toBe(me.id);
  });

  test("accepts the issuer that GitHub names, and no other", async () => {
    const login = stage.newName("octo");
    const emails = [{ email: `${login}@example.com`, primary: true, verified: true }];
    stage.gitHub.accounts.set(login, { id: 1000, login, emails });
    const browser = stage.browser(login);
    try {
      stage.gitHub.says.iss = `${stage.gitHub.url}/login/oauth`;
      expect((await stage.visit(browser, "github")).outcome.code).toBeString();
      stage.gitHub.says.iss = stage.provider.issuer;
      const { outcome } = await stage.visit(browser, "github");
      expect(outcome).toEqual({ error: "provider_invalid", provider: "github" });
    } finally {
      stage.gitHub.says.iss = undefined;
    }
  });
});

describe("a client of another site", () => {
  test("shows the verifier of its challenge in place of the cookie", async () => {
    const { browser } = stage.employee();
    const verifier = "a-verifier-that-only-this-client-knows-0123456789";
    const challenge = new Bun.CryptoHasher("sha256").update(verifier).digest("base64url");
    const query = { return_to: returnTo, code_challenge: challenge };
    const { outcome } = await stage.visit(browser, "oidc", query);
    const anywhere = stage.browser("nobody");
    expectProblem(await stage.exchange(browser, outcome.code), 401, "invalid_token");
    const wrong = { code_verifier: verifier.replace("a", "b") };
    expectProblem(await stage.exchange(anywhere, outcome.code, wrong), 401, "invalid_token");
    const right = { code_verifier: verifier };
    expect((await stage.exchange(anywhere, outcome.code, right)).status).toBe(200);
    expectProblem(await stage.exchange(anywhere, outcome.code, right), 401, "invalid_token");
  });

  test("gets a clear refusal of a challenge that is none", async () => {
    for (const bad of ["short", "a".repeat(44), `${"a".repeat(42)}=`]) {
      const answer = await stage.world.call(
        "GET",
        `/api/auth/oauth/oidc?code_challenge=${encodeURIComponent(bad)}`,
      );
      expectInvalid(answer, "/code_challenge");
    }
  });
});

test("a second factor is asked for as after a password", async () => {
  const { browser } = stage.employee();
  const { api } = await stage.signIn(browser);
  const { body: setup } = await api("POST", "/api/auth/totp");
  const code = appCode(setup.secret);
  const { body: confirmed } = await api("POST", "/api/auth/totp/confirm", { code });
  const { outcome } = await stage.visit(browser);
  const asked = await stage.exchange(browser, outcome.code);
  expect(asked).toMatchObject({ status: 401, body: { type: "/problems/mfa_required" } });
  const input = { ticket: asked.body.ticket, code: confirmed.recovery_codes[0] };
  expect((await stage.world.call("POST", "/api/auth/login/totp", input)).status).toBe(200);
});

describe("a provider that has no good answer", () => {
  test.each([
    ["refuses", { status: 400, body: '{"error":"invalid_grant"}' }, "provider_invalid"],
    ["is in trouble", { status: 503, body: "down" }, "provider_unavailable"],
    ["answers with a page", { body: "<!doctype html>" }, "provider_invalid"],
    ["answers with too much", { body: `"${"x".repeat(300_000)}"` }, "provider_invalid"],
  ])("that %s ends the visit with an error that says so", async (_, spoil, error) => {
    const { browser } = stage.employee();
    const before = await stage.counts();
    const { url, outcome } = await stage.provider.while(spoil, () => stage.visit(browser));
    expect(outcome).toEqual({ error, provider: "oidc" });
    expect(url.href).toStartWith(`${returnTo}#`);
    expect(await stage.counts()).toEqual(before);
  });

  test("that says the person has refused is told as that", async () => {
    const { outcome } = await stage.visit(stage.browser("refuser"));
    expect(outcome).toEqual({ error: "access_denied", provider: "oidc" });
  });

  test("that vouches for no address registers nobody, and signs in who is known", async () => {
    const account = stage.newName("silent");
    const browser = stage.browser(account);
    for (const claims of [{}, { email: `${account}@example.com`, email_verified: false }]) {
      stage.provider.accounts.set(account, claims);
      const { outcome } = await stage.visit(browser);
      expect(outcome).toEqual({ error: "email_not_verified", provider: "oidc" });
    }
    stage.provider.accounts.set(account, { email: `${account}@example.com`, email_verified: true });
    await stage.signIn(browser);
    stage.provider.accounts.set(account, {});
    await stage.signIn(browser);
  });
});

test("a provider that is not set up is not found, and a bad return address is invalid", async () => {
  for (const provider of ["google", "none", "%2e%2e"]) {
    const answer = await stage.world.call("GET", `/api/auth/oauth/${provider}`);
    expectProblem(answer, 404, "not_found");
  }
  const answer = await stage.world.call("GET", "/api/auth/oauth/oidc?return_to=nowhere");
  expectInvalid(answer, "/return_to");
});

test("the cookie is for this server alone, hidden from scripts, and gone after the exchange", async () => {
  const { browser } = stage.employee();
  const begun = await browser.fetch(stage.beginUrl());
  const [cookie = ""] = begun.headers.getSetCookie();
  expect(cookie).toMatch(
    /^provider-visit=[\w-]{43}; Max-Age=660; Path=\/; HttpOnly; SameSite=Lax$/,
  );
  const { url } = await browser.open(begun.headers.get("location") ?? "");
  expect((await stage.exchange(browser, outcomeOf(url).code)).status).toBe(200);
  expect(browser.jar(stage.world.url).size).toBe(0);
});
