import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sign } from "hono/jwt";
import { signAccessToken } from "../../src/auth/tokens.ts";
import { startWorld, type Person, type World } from "../world/world.ts";
import { expectProblem, time } from "./refusals.ts";

let world: World;
let person: Person;
beforeAll(async () => {
  world = await startWorld();
  person = await world.person("bearer");
});
afterAll(() => world.stop());

const me = (authorization?: string) =>
  world.call("GET", "/api/auth/me", undefined, authorization ? { authorization } : {});

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
  return await sign(claims(), privateKey, "RS256");
}

test("a good token tells who its person is, email included", async () => {
  const { status, body } = await me(`Bearer ${person.token}`);
  expect(status).toBe(200);
  expect(Object.keys(body)).toEqual(["id", "username", "email", "created_at"]);
  expect(body).toEqual({
    id: person.id,
    username: person.username,
    email: person.email,
    created_at: time,
  });
});

test("the scheme's name has no case", async () => {
  for (const scheme of ["bearer", "BEARER"]) {
    expect((await me(`${scheme} ${person.token}`)).status).toBe(200);
  }
});

test("the claims that the refusals are made from are good ones", async () => {
  const token = await sign(claims(), world.ctx.secretKey, "HS256");
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
    ["a token signed with another key", () => sign(claims(), "k".repeat(43), "HS256")],
    ["a token without a signature", () => `${part({ alg: "HS256" })}.${part(claims())}.`],
    [
      "an unsigned token of algorithm none",
      () => `${part({ alg: "none", typ: "JWT" })}.${part(claims())}.`,
    ],
    ["a token signed by RS256", signedByRsa],
    [
      "a token that says RS256 and is signed with our key",
      () => {
        const text = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims())}`;
        return `${text}.${hmac(world.ctx.secretKey, text)}`;
      },
    ],
    [
      "a token of another HMAC than the configured one",
      () => sign(claims(), world.ctx.secretKey, "HS512"),
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
      () => sign(claims({ iss: "other" }), world.ctx.secretKey, "HS256"),
    ],
    [
      "a token for another audience",
      () => sign(claims({ aud: "other" }), world.ctx.secretKey, "HS256"),
    ],
    [
      "a token without an end",
      () => sign(claims({ exp: undefined }), world.ctx.secretKey, "HS256"),
    ],
    ["a token of nobody", () => sign(claims({ sub: "john_doe" }), world.ctx.secretKey, "HS256")],
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
    expect(read(header).alg).toBe("HS512");
    expect(read(payload).exp - read(payload).iat).toBe(300);
    expect((await jane.api("GET", "/api/auth/me")).status).toBe(200);
    const claimed = { ...read(payload), jti: "other" };
    const authorization = `Bearer ${await sign(claimed, other.ctx.secretKey, "HS256")}`;
    const refused = await other.call("GET", "/api/auth/me", undefined, { authorization });
    expectProblem(refused, 401, "invalid_token");
  } finally {
    await other.stop();
  }
});
