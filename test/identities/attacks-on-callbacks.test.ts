// Attacks on signing in by a provider, up to its callback: each ends without a code, an account or a session.
// The names are those of RFC 9700 (OAuth 2.0 Security Best Current Practice) where it has one.
import { describe, expect, test } from "bun:test";
import { SignJWT, UnsecuredJWT } from "jose";
import { outcomeOf } from "../world/browser.ts";
import { openIdClient, type Lie } from "../world/openid-provider.ts";
import { useStage } from "./stage.ts";

const stage = useStage();
const hourAgo = () => Math.floor(Date.now() / 1_000) - 3_600;
const expired = { error: "visit_expired", provider: "oidc" };
const invalid = { error: "provider_invalid", provider: "oidc" };

describe("an ID token that lies", () => {
  const lies: Record<string, Lie> = {
    "is for another client": (claims, { sign }) => sign({ ...claims, aud: "another client" }),
    "is for several clients": (claims, { sign }) => sign({ ...claims, aud: ["other", "another"] }),
    "names another issuer": (claims, { sign }) => sign({ ...claims, iss: "https://evil.example" }),
    "has another nonce": (claims, { sign }) => sign({ ...claims, nonce: "of another visit" }),
    "has no nonce": ({ nonce: _, ...claims }, { sign }) => sign(claims),
    "has no subject": ({ sub: _, ...claims }, { sign }) => sign(claims),
    "has a subject that is too long": (claims, { sign }) =>
      sign({ ...claims, sub: "a".repeat(256) }),
    "has expired": (claims, { sign }) => sign({ ...claims, iat: hourAgo(), exp: hourAgo() + 60 }),
    "is not valid yet": (claims, { sign }) => sign({ ...claims, nbf: hourAgo() + 7_200 }),
    "is signed by somebody else": (claims, { forge }) => forge(claims),
    "is not signed, and says so (alg none)": (claims) => new UnsecuredJWT(claims).encode(),
    "is signed with the client's secret (alg HS256)": (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(openIdClient.secret)),
    "has a signature that was cut off": async (claims, { sign }) =>
      (await sign(claims)).replace(/[^.]+$/, ""),
    "has another subject under the same signature": async (claims, { sign }) => {
      const [header, , signature] = (await sign(claims)).split(".");
      const body = Buffer.from(JSON.stringify({ ...claims, sub: "somebody else" }));
      return `${header}.${body.toString("base64url")}.${signature}`;
    },
    "is no token": () => "none",
  };

  test.each(Object.entries(lies))("is refused if it %s", async (_, lie) => {
    const { browser } = stage.employee();
    const { outcome } = await stage.harmless(() =>
      stage.provider.while({ lie }, () => stage.visit(browser)),
    );
    expect(outcome).toEqual(invalid);
  });

  test("is what was refused: the same token without a lie is taken", async () => {
    const { browser } = stage.employee();
    const lie: Lie = (claims, { sign }) => sign(claims);
    const { outcome } = await stage.provider.while({ lie }, () => stage.visit(browser));
    expect(outcome.code).toBeString();
  });
});

describe("a callback", () => {
  test("without the cookie is refused", async () => {
    const url = await stage.callback(stage.employee().browser);
    const other = stage.browser("nobody");
    const { url: end } = await stage.harmless(() => other.open(url.href));
    expect(outcomeOf(end)).toEqual(expired);
    // It returns to the page, since nothing says who has begun the visit.
    expect(end.href).toStartWith(`${stage.world.url}/#`);
  });

  test("with the cookie of another browser is refused (login CSRF)", async () => {
    const attackers = await stage.callback(stage.employee("attacker").browser);
    const victim = stage.employee("victim").browser;
    await stage.callback(victim);
    const { url } = await stage.harmless(() => victim.open(attackers.href));
    expect(outcomeOf(url)).toEqual(expired);
  });

  test("with the code of another browser under the own state is refused (code injection)", async () => {
    const attacker = stage.employee("attacker").browser;
    const victims = await stage.callback(stage.employee("victim").browser);
    const injected = await stage.callback(attacker);
    injected.searchParams.set("code", victims.searchParams.get("code") ?? "");
    const { url } = await stage.harmless(() => attacker.open(injected.href));
    expect(outcomeOf(url)).toEqual(invalid);
  });

  test("is good once: neither its state nor its code works again", async () => {
    const { browser } = stage.employee();
    const callback = await stage.callback(browser);
    expect(outcomeOf((await browser.open(callback.href)).url).code).toBeString();
    const { url } = await stage.harmless(() => browser.open(callback.href));
    expect(outcomeOf(url)).toEqual(expired);
    // The code under the state of another visit of the same browser.
    const next = await stage.callback(browser);
    next.searchParams.set("code", callback.searchParams.get("code") ?? "");
    const { url: end } = await stage.harmless(() => browser.open(next.href));
    expect(outcomeOf(end)).toEqual(invalid);
  });

  test("that comes several times at once makes one code", async () => {
    const { browser } = stage.employee();
    const callback = await stage.callback(browser);
    const ends = await Promise.all([1, 2, 3, 4].map(() => browser.open(callback.href)));
    const codes = ends.map(({ url }) => outcomeOf(url).code).filter((code) => code !== undefined);
    expect(codes).toHaveLength(1);
  });

  test.each([
    ["another state", (query: URLSearchParams) => query.set("state", "guessed")],
    ["no state", (query: URLSearchParams) => query.delete("state")],
    ["an empty state", (query: URLSearchParams) => query.set("state", "")],
  ])("with %s is refused, and leaves the visit as it is", async (_, change) => {
    const { browser } = stage.employee();
    const callback = await stage.callback(browser);
    const changed = new URL(callback);
    change(changed.searchParams);
    const { url } = await stage.harmless(() => browser.open(changed.href));
    expect(outcomeOf(url)).toEqual(expired);
    expect(outcomeOf((await browser.open(callback.href)).url).code).toBeString();
  });

  test.each([
    ["names another issuer", (query: URLSearchParams) => query.set("iss", "https://evil.example")],
    ["names none", (query: URLSearchParams) => query.delete("iss")],
    ["has no code", (query: URLSearchParams) => query.delete("code")],
    ["brings a token", (query: URLSearchParams) => query.set("id_token", "ey.ey.ey")],
    ["is a signed answer", (query: URLSearchParams) => query.set("response", "ey.ey.ey")],
  ])("that %s is refused", async (_, change) => {
    const { browser } = stage.employee();
    const callback = await stage.callback(browser);
    change(callback.searchParams);
    const { url } = await stage.harmless(() => browser.open(callback.href));
    expect(outcomeOf(url)).toEqual(invalid);
  });

  test.each(["code", "state", "iss", "error"])("that has its %s twice is refused", async (name) => {
    const { browser } = stage.employee();
    const callback = await stage.callback(browser);
    for (const value of ["one", "another"]) callback.searchParams.append(name, value);
    const { answer } = await stage.harmless(() => browser.open(callback.href));
    expect(answer?.status).toBe(422);
    expect(await answer?.json()).toMatchObject({ errors: [{ pointer: `/${name}` }] });
  });

  test("of another provider than the one that was visited is refused (mix-up)", async () => {
    const { browser } = stage.employee();
    const callback = await stage.callback(browser);
    const elsewhere = callback.href.replace("/oidc/callback", "/github/callback");
    const { url } = await stage.harmless(() => browser.open(elsewhere));
    expect(outcomeOf(url)).toEqual({ error: "visit_expired", provider: "github" });
    expect(outcomeOf((await browser.open(callback.href)).url).code).toBeString();
  });

  test("after ten minutes is refused", async () => {
    const { browser } = stage.employee();
    const callback = await stage.callback(browser);
    await stage.world.sql`update provider_visits set expires_at = now()`;
    const { url } = await stage.harmless(() => browser.open(callback.href));
    expect(outcomeOf(url)).toEqual(expired);
  });
});
