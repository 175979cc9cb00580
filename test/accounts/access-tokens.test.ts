import { beforeAll, describe, expect, test } from "bun:test";
import { signAccessToken } from "../../src/accounts/access-tokens.ts";
import { User } from "../../src/wire/users.ts";
import { forge } from "../world/tokens.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";
import { exchange } from "../http/raw.ts";
import { expectProblem, time } from "../http/refusals.ts";

const world = useWorld();
let person: Person;
beforeAll(async () => {
  person = await world.person("bearer");
});

const me = (authorization?: string) =>
  world.call("GET", "/api/auth/me", undefined, authorization ? { authorization } : {});

/** The key `k…` as a token may carry it. */
const ownKey = { kty: "oct", k: Buffer.from("k".repeat(43)).toString("base64url"), alg: "HS256" };

/** Claims that the server would take, were they signed as it signs. */
function claims(more: Record<string, unknown> = {}) {
  const now = Math.floor(Date.now() / 1000);
  return {
    sub: String(person.id),
    name: person.username,
    sid: person.sessionId,
    jti: crypto.randomUUID(),
    iat: now,
    exp: now + 600,
    iss: "gemini-coop",
    aud: "gemini-coop",
    ...more,
  };
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function hmac(key: string, text: string): string {
  return new Bun.CryptoHasher("sha256", key).update(text).digest("base64url");
}

const expired = () =>
  signAccessToken(
    { ...world.ctx, now: () => new Date(Date.now() - 31 * 60_000) },
    person,
    person.sessionId,
  );

async function signedByRsa(): Promise<string> {
  const { privateKey } = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2_048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["sign", "verify"],
  );
  return await forge(claims(), privateKey, { alg: "RS256" });
}

test("a good token tells who its person is, email included", async () => {
  const { status, body } = await me(`Bearer ${person.token}`);
  expect(status).toBe(200);
  expect(Object.keys(body)).toEqual(Object.keys(User.shape));
  expect(body).toEqual({
    id: person.id,
    username: person.username,
    email: person.email,
    email_verified: false,
    created_at: time,
    read_receipts: true,
    presence: "visible",
    display_name: null,
    bio: null,
    avatar_url: null,
    is_bot_account: false,
    totp_enabled: false,
    has_password: true,
  });
});

test("the scheme's name has no case", async () => {
  for (const scheme of ["bearer", "BEARER"]) {
    expect((await me(`${scheme} ${person.token}`)).status).toBe(200);
  }
});

test("the claims that the refusals are made from are good ones", async () => {
  const token = await forge(claims(), world.ctx.config.secretKey);
  expect((await me(`Bearer ${token}`)).status).toBe(200);
});

describe("401, with WWW-Authenticate, answers", () => {
  test.each<[what: string, authorization: () => string | undefined]>([
    ["no token", () => undefined],
    ["a scheme without a token", () => "Bearer"],
    ["a token without a scheme", () => person.token],
    ["Basic credentials", () => `Basic ${btoa("john_doe:password")}`],
    ["another scheme with a good token", () => `Token ${person.token}`],
    ["two tokens", () => `Bearer ${person.token} ${person.token}`],
    ["what is no JWT", () => "Bearer nonsense"],
    ["three empty parts", () => "Bearer .."],
    ["a token cut short", () => `Bearer ${person.token.slice(0, -1)}`],
  ])("%s", async (_, authorization) => {
    expectProblem(await me(authorization()), 401, "invalid_token");
  });

  test.each<[what: string, token: () => string | Promise<string>]>([
    ["an expired token", expired],
    ["a token signed with another key", () => forge(claims(), "k".repeat(43))],
    [
      "a token without a signature",
      () => `${part({ alg: "HS256", typ: "at+jwt" })}.${part(claims())}.`,
    ],
    [
      "an unsigned token of algorithm none",
      () => `${part({ alg: "none", typ: "at+jwt" })}.${part(claims())}.`,
    ],
    ["a token signed by RS256", signedByRsa],
    [
      "a token that says RS256 and is signed with our key",
      () => {
        const text = `${part({ alg: "RS256", typ: "at+jwt" })}.${part(claims())}`;
        return `${text}.${hmac(world.ctx.config.secretKey, text)}`;
      },
    ],
    [
      "a token of another HMAC than the configured one",
      () => forge(claims(), world.ctx.config.secretKey, { alg: "HS512" }),
    ],
    [
      "a token whose claims were changed",
      () => {
        const [header, , signature] = person.token.split(".");
        return `${header}.${part(claims({ sub: "1", name: "somebody" }))}.${signature}`;
      },
    ],
    [
      "a token of another issuer",
      () => forge(claims({ iss: "other" }), world.ctx.config.secretKey),
    ],
    [
      "a token for another audience",
      () => forge(claims({ aud: "other" }), world.ctx.config.secretKey),
    ],
    [
      "a token for several audiences",
      () => forge(claims({ aud: ["gemini-coop", "other"] }), world.ctx.config.secretKey),
    ],
    ["a token without an end", () => forge(claims({ exp: undefined }), world.ctx.config.secretKey)],
    [
      "a token that ends at a part of a second",
      () => forge(claims({ exp: 4_102_444_800.5 }), world.ctx.config.secretKey),
    ],
    [
      "a token whose end is a text",
      () => forge(claims({ exp: "4102444800" }), world.ctx.config.secretKey),
    ],
    [
      "a token without a beginning",
      () => forge(claims({ iat: undefined }), world.ctx.config.secretKey),
    ],
    ["a token without an id", () => forge(claims({ jti: undefined }), world.ctx.config.secretKey)],
    [
      "a token without a session",
      () => forge(claims({ sid: undefined }), world.ctx.config.secretKey),
    ],
    ["a token of nobody", () => forge(claims({ sub: "john_doe" }), world.ctx.config.secretKey)],
    [
      "a token whose person is a number",
      () => forge(claims({ sub: person.id }), world.ctx.config.secretKey),
    ],
    [
      "another JWT of ours than an access token",
      () => forge(claims(), world.ctx.config.secretKey, { typ: "JWT" }),
    ],
    ["a token of no type", () => forge(claims(), world.ctx.config.secretKey, { typ: undefined })],
    [
      "a token that brings its own key along",
      () => forge(claims(), "k".repeat(43), { jwk: ownKey, kid: "k" }),
    ],
    [
      "a token that says where its key is",
      () => forge(claims(), "k".repeat(43), { jku: `${world.url}/keys`, x5u: `${world.url}/keys` }),
    ],
    [
      "a token whose key is a file that holds nothing",
      () => forge(claims(), "\0", { kid: "../../../../dev/null" }),
    ],
  ])("%s", async (_, token) => {
    expectProblem(await me(`Bearer ${await token()}`), 401, "invalid_token");
  });

  test("a good token of an account that is gone", async () => {
    const gone = await world.person("gone");
    await world.sql`delete from users where id = ${gone.id}`;
    expectProblem(await gone.api("GET", "/api/auth/me"), 401, "invalid_token");
    const chat = await gone.api("POST", "/api/chats", { name: "Ghosts" });
    expectProblem(chat, 401, "invalid_token");
  });
});

test("a token that says where its key is makes the server ask nobody for it", async () => {
  let asked = 0;
  const keys = Bun.serve({
    port: 0,
    fetch() {
      asked += 1;
      return Response.json({ keys: [ownKey] });
    },
  });
  try {
    const token = await forge(claims(), "k".repeat(43), { jku: keys.url.href, x5u: keys.url.href });
    expectProblem(await me(`Bearer ${token}`), 401, "invalid_token");
    expect(asked).toBe(0);
  } finally {
    await keys.stop(true);
  }
});

test("a good token is taken in the Authorization header only, and only once", async () => {
  for (const name of ["token", "access_token", "authorization"]) {
    const inQuery = await world.call("GET", `/api/auth/me?${name}=${person.token}`);
    expectProblem(inQuery, 401, "invalid_token");
    const inCookie = await world.call("GET", "/api/auth/me", undefined, {
      cookie: `${name}=${person.token}`,
    });
    expectProblem(inCookie, 401, "invalid_token");
  }
  const inBody = await world.call("POST", "/api/chats", { access_token: person.token });
  expectProblem(inBody, 401, "invalid_token");

  const head = "GET /api/auth/me HTTP/1.1\r\nHost: test\r\n";
  const bearer = `Authorization: Bearer ${person.token}\r\n`;
  expect(await exchange(world.url, `${head}${bearer}\r\n`, "}")).toStartWith("HTTP/1.1 200");
  for (const second of [bearer, "Authorization: Bearer x\r\n", "authorization: Basic YTpi\r\n"]) {
    for (const both of [bearer + second, second + bearer]) {
      const answer = await exchange(world.url, `${head}${both}\r\n`, "}");
      expect(answer).toStartWith("HTTP/1.1 401");
      expect(answer).toContain("/problems/invalid_token");
    }
  }
});

test("an expired token is told apart for its person", async () => {
  const { body } = await me(`Bearer ${await expired()}`);
  expect(body.detail).toContain("expired");
});

test("the configured algorithm and life time are used", async () => {
  const other = await startWorld({
    env: { ALGORITHM: "HS512", ACCESS_TOKEN_EXPIRE_MINUTES: "5" },
  });
  try {
    const jane = await other.person("jane");
    const [header = "", payload = ""] = jane.token.split(".");
    const read = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
    expect(read(header)).toEqual({ alg: "HS512", typ: "at+jwt" });
    expect(read(payload).exp - read(payload).iat).toBe(300);
    expect((await jane.api("GET", "/api/auth/me")).status).toBe(200);
    const claimed = { ...read(payload), jti: "other" };
    const authorization = `Bearer ${await forge(claimed, other.ctx.config.secretKey)}`;
    const refused = await other.call("GET", "/api/auth/me", undefined, { authorization });
    expectProblem(refused, 401, "invalid_token");
  } finally {
    await other.stop();
  }
});

test("the key before the present one is good for tokens that it has signed, and signs none", async () => {
  const previous = "p".repeat(43);
  const rotated = await startWorld({ env: { SECRET_KEY_PREVIOUS: previous } });
  try {
    const jane = await rotated.person("jane");
    const ofJane = { ...claims(), sub: String(jane.id), sid: jane.sessionId };
    const meWith = (token: string) =>
      rotated.call("GET", "/api/auth/me", undefined, { authorization: `Bearer ${token}` });
    for (const key of [previous, rotated.ctx.config.secretKey]) {
      expect((await meWith(await forge(ofJane, key))).status).toBe(200);
    }
    expect((await meWith(jane.token)).status).toBe(200);
    const [header, payload, signature] = jane.token.split(".");
    expect(hmac(rotated.ctx.config.secretKey, `${header}.${payload}`)).toBe(signature ?? "");

    // It is held to all that the present one is.
    const refused = [
      forge(ofJane, "q".repeat(43)),
      forge(ofJane, previous, { alg: "HS512" }),
      forge(ofJane, previous, { typ: "JWT" }),
      forge({ ...ofJane, aud: "other" }, previous),
      forge({ ...ofJane, exp: undefined }, previous),
    ];
    for (const token of refused) {
      expectProblem(await meWith(await token), 401, "invalid_token");
    }
    const late = await meWith(await forge({ ...ofJane, exp: ofJane.iat - 1 }, previous));
    expectProblem(late, 401, "invalid_token");
    expect(late.body.detail).toContain("expired");
  } finally {
    await rotated.stop();
  }
});
