// Attacks on accounts by means of a provider: on codes for the browser, addresses, and links to accounts. Each ends without a code, an
// account or a session. The names are those of RFC 9700 (OAuth 2.0 Security Best Current Practice) where it has one.
import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { outcomeOf } from "../world/browser.ts";
import { isCallback, returnTo, useStage } from "./stage.ts";

const stage = useStage();
const password = "correct horse battery";
const expired = { error: "visit_expired", provider: "oidc" };

describe("a code for the browser", () => {
  const codeOf = async (browser: ReturnType<typeof stage.browser>) =>
    (await stage.visit(browser)).outcome.code;

  test("is no good in another browser, with or without a visit of its own (code swap)", async () => {
    const { browser } = stage.employee("victim");
    const code = await codeOf(browser);
    const attacker = stage.employee("attacker").browser;
    const without = await stage.harmless(() => stage.exchange(attacker, code));
    expectProblem(without, 401, "invalid_token");
    await stage.callback(attacker);
    expectProblem(await stage.harmless(() => stage.exchange(attacker, code)), 401, "invalid_token");
    const guess = { code_verifier: "a".repeat(43) };
    const guessed = await stage.harmless(() => stage.exchange(attacker, code, guess));
    expectProblem(guessed, 401, "invalid_token");
    expect((await stage.exchange(browser, code)).status).toBe(200);
  });

  test("works once, also when it is used several times at once", async () => {
    const { browser } = stage.employee();
    const code = await codeOf(browser);
    const cookies = new Map(browser.jar(stage.world.url));
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => stage.exchange(browser, code)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401, 401]);
    for (const [name, value] of cookies) browser.jar(stage.world.url).set(name, value);
    expectProblem(await stage.harmless(() => stage.exchange(browser, code)), 401, "invalid_token");
  });

  test("works for a minute", async () => {
    const { browser } = stage.employee();
    const code = await codeOf(browser);
    await stage.world.sql`update sign_in_codes set expires_at = now()`;
    expectProblem(await stage.exchange(browser, code), 401, "invalid_token");
  });

  test("ends with a change of the password", async () => {
    const { browser } = stage.employee();
    const { api } = await stage.signIn(browser);
    const code = await codeOf(browser);
    const change = { current_password: null, new_password: password };
    expect((await api("POST", "/api/auth/password", change)).status).toBe(200);
    expectProblem(await stage.exchange(browser, code), 401, "invalid_token");
  });

  test("is kept as a hash, like the secret of the cookie", async () => {
    const { browser } = stage.employee();
    const code = await codeOf(browser);
    await stage.callback(browser);
    const [secret = ""] = browser.jar(stage.world.url).values();
    const rows = await stage.world.sql`
      select v::text as row from provider_visits v union all select c::text from sign_in_codes c
    `;
    const text = JSON.stringify([...rows]);
    for (const hidden of [code, secret]) {
      expect(text).not.toContain(hidden);
      expect(text).not.toContain(Buffer.from(String(hidden)).toString("hex"));
    }
  });

  test.each([
    ["nothing", undefined],
    ["an empty text", ""],
    ["a number", 1],
    ["a long text", "a".repeat(257)],
  ])("that is %s is invalid", async (_, code) => {
    expectInvalid(await stage.exchange(stage.browser("nobody"), code), "/code");
  });
});

test("no token stands in an address", async () => {
  const { browser } = stage.employee();
  const seen: string[] = [];
  const { url } = await browser.open(stage.beginUrl(), (next) => {
    seen.push(next.href);
    return next.hash !== "";
  });
  expect(seen.length).toBeGreaterThan(3);
  expect(seen.join("\n")).not.toMatch(/eyJ|access_token|refresh_token|id_token/);
  // Nor does anything that is good for more than the callback leave this server.
  const { body } = await stage.exchange(browser, outcomeOf(url).code);
  expect(seen.join("\n")).not.toContain(body.refresh_token.split(".")[1]);
});

describe("an email address", () => {
  const registered = async () => {
    const { account, email, browser } = stage.employee("owner");
    const input = { username: account, email: email.toUpperCase(), password };
    expect((await stage.world.call("POST", "/api/auth/register", input)).status).toBe(200);
    return { account, email, browser };
  };

  test("that is known lets nobody in, also if the provider has verified it", async () => {
    const { browser } = await registered();
    const { outcome } = await stage.harmless(() => stage.visit(browser));
    expect(outcome).toEqual({ error: "email_taken", provider: "oidc" });
  });

  test.each([false, undefined, "yes", 1])("is not verified by %p", async (email_verified) => {
    const { account, email, browser } = await registered();
    const claims = { email };
    Object.assign(claims, { email_verified });
    stage.provider.accounts.set(account, claims);
    const { outcome } = await stage.harmless(() => stage.visit(browser));
    expect(outcome).toEqual({ error: "email_not_verified", provider: "oidc" });
  });

  test("of GitHub that is not the primary one, or not verified, registers nobody", async () => {
    const login = stage.newName("octo");
    const email = `${login}@example.com`;
    const browser = stage.browser(login);
    for (const emails of [
      [],
      [{ email, primary: true, verified: false }],
      [{ email, primary: false, verified: true }],
    ]) {
      stage.gitHub.accounts.set(login, { id: 42, login, emails });
      const { outcome } = await stage.harmless(() => stage.visit(browser, "github"));
      expect(outcome).toEqual({ error: "email_not_verified", provider: "github" });
    }
  });
});

test.each([
  "https://evil.example/",
  "https://evil.example/signed-in",
  "http://app.example.com/signed-in",
  "https://app.example.com",
  "https://app.example.com/",
  "https://app.example.com/signed-in/",
  "https://app.example.com/signed-in/more",
  "https://app.example.com/signed-in?next=https://evil.example",
  "https://app.example.com/signed-in#code=1",
  "https://app.example.com:8443/signed-in",
  "https://app.example.com.evil.example/signed-in",
  "https://evilapp.example.com/signed-in",
  "https://app.example.com@evil.example/signed-in",
  "https://user@app.example.com/signed-in",
  "https://app.example.com%2f@evil.example/signed-in",
  "https://app.example.com%00.evil.example/signed-in",
  "https://app.example.com\\@evil.example/signed-in",
  "https://evil.example\\app.example.com/signed-in",
  "https://app.exаmple.com/signed-in",
  "//evil.example/signed-in",
  "///evil.example",
  "\\\\evil.example",
  "/\\evil.example",
  "/",
  "signed-in",
  "javascript:alert(1)//https://app.example.com/signed-in",
  "data:text/html,<script>alert(1)</script>",
  "https://app.example.com/signed-in\r\nSet-Cookie: a=b",
  "https://app.example.com/signed-in, https://evil.example/",
  "https://app.example.com/%2e%2e/signed-in/x",
  "*",
  "null",
])("no browser is sent to %p (open redirect)", async (return_to) => {
  const query = new URLSearchParams({ return_to }).toString();
  const answer = await stage.world.call("GET", `/api/auth/oauth/oidc?${query}`);
  expectInvalid(answer, "/return_to");
  expect(answer.headers.get("location")).toBeNull();
  expect(answer.headers.getSetCookie()).toEqual([]);
});

test("spellings of an allowed address lead to the address as the operator wrote it", async () => {
  const { browser } = stage.employee();
  for (const return_to of [
    "HTTPS://APP.example.com/signed-in",
    "https://app.example.com:443/signed-in",
    "https://app.example.com/x/../signed-in",
    " https://app.example.com/signed-in ",
  ]) {
    const { url } = await stage.visit(browser, "oidc", { return_to });
    expect(url.href).toStartWith(`${returnTo}#code=`);
  }
});

describe("linking", () => {
  async function begin(session: { headers: Record<string, string> }, browser = stage.browser("x")) {
    const path = `/api/auth/identities/oidc?${new URLSearchParams({ return_to: returnTo }).toString()}`;
    const response = await browser.fetch(stage.world.url + path, {
      method: "POST",
      headers: session.headers,
    });
    expect(response.status).toBe(200);
    return z.object({ url: z.string() }).parse(await response.json()).url;
  }
  const member = async () => {
    const username = stage.newName("member");
    const input = { username, email: `${username}@example.org`, password };
    await stage.world.call("POST", "/api/auth/register", input);
    const { body } = await stage.world.call("POST", "/api/auth/login", input);
    return stage.session(body.access_token);
  };

  test("needs a session, and no cookie stands for it (linking CSRF)", async () => {
    const victim = stage.employee("victim").browser;
    await stage.signIn(victim);
    const response = await victim.fetch(`${stage.world.url}/api/auth/identities/oidc`, {
      method: "POST",
    });
    expect(response.status).toBe(401);
  });

  test("ends in the browser that has begun it only: the victim's account is not linked to the attacker", async () => {
    const attacker = await member();
    // The attacker has begun to link, and sends the victim to the provider.
    const lure = await begin(attacker);
    const victim = stage.employee("victim").browser;
    const { url } = await stage.harmless(() => victim.open(lure));
    expect(outcomeOf(url)).toEqual(expired);
    // The same is refused while the victim is about to link something.
    await begin(await member(), victim);
    const { url: again } = await stage.harmless(() => victim.open(lure));
    expect(outcomeOf(again)).toEqual(expired);
  });

  test("does not link the attacker's account to the victim", async () => {
    const attacker = stage.employee("attacker").browser;
    const callback = await attacker.open(await begin(await member(), attacker), isCallback);
    const victim = stage.employee("victim").browser;
    await begin(await member(), victim);
    const { url } = await stage.harmless(() => victim.open(callback.url.href));
    expect(outcomeOf(url)).toEqual(expired);
  });

  test("ends with the session", async () => {
    const session = await member();
    const { browser } = stage.employee();
    const url = await begin(session, browser);
    await session.api("DELETE", "/api/auth/sessions");
    const [present] = (await session.api("GET", "/api/auth/sessions")).body;
    await session.api("DELETE", `/api/auth/sessions/${present.id}`);
    const end = await stage.harmless(() => browser.open(url));
    expect(outcomeOf(end.url)).toEqual(expired);
  });

  test("does not take an account from the person who has it", async () => {
    const { browser } = stage.employee("owner");
    await stage.signIn(browser);
    const session = await member();
    const { url } = await browser.open(await begin(session, browser));
    expect(outcomeOf(url)).toEqual({ error: "identity_taken", provider: "oidc" });
    expect((await session.api("GET", "/api/auth/identities")).body).toEqual([]);
  });
});
