// Providers that are away, slow or wrong, as openid-client meets them.
import { afterEach, expect, test } from "bun:test";
import { OpenIdProvider } from "../../src/identities/openid-provider.ts";
import { GitHubProvider } from "../../src/identities/github-provider.ts";
import { ProviderError } from "../../src/identities/provider.ts";
import { freePort } from "../world/free-port.ts";

const secrets = { state: "state", nonce: "nonce", codeVerifier: "v".repeat(43) };
const redirectUri = "http://localhost/callback";
const servers: Bun.Server<undefined>[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(true))));

function serve(answer: (request: Request) => Response | Promise<Response>, port = 0): string {
  const server = Bun.serve({ port, hostname: "127.0.0.1", fetch: answer });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

const settings = (issuer: string) =>
  ({ id: "oidc", name: "One", issuer, clientId: "id", clientSecret: "secret" }) as const;
const openId = (issuer: string, times = { timeoutMs: 10_000, discoveryMs: 60_000 }) =>
  new OpenIdProvider(settings(issuer), times);
const documentOf = (issuer: string) =>
  Response.json({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
  });
const originOf = ({ url }: Request) => new URL(url).origin;

async function errorOf(work: Promise<unknown>): Promise<ProviderError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderError)) throw new Error(`it has ended with ${String(error)}`);
  return error;
}

test("a provider that is away is told as that, and asked again by the next visit", async () => {
  const port = freePort();
  const provider = openId(`http://127.0.0.1:${port}`);
  const away = await errorOf(provider.authorizationUrl(redirectUri, secrets));
  expect(away.code).toBe("provider_unavailable");
  expect(away.reasons).toContain("can't be reached");
  serve((request) => documentOf(originOf(request)), port);
  const url = new URL(await provider.authorizationUrl(redirectUri, secrets));
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: "id",
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid email profile",
    state: "state",
    nonce: "nonce",
    code_challenge: new Bun.CryptoHasher("sha256").update("v".repeat(43)).digest("base64url"),
    code_challenge_method: "S256",
  });
});

test("its document is read once by visits at the same time, and again when it has become old", async () => {
  let reads = 0;
  const issuer = serve((request) => {
    reads += 1;
    return documentOf(originOf(request));
  });
  const kept = openId(issuer);
  await Promise.all([1, 2, 3].map(() => kept.authorizationUrl(redirectUri, secrets)));
  await kept.authorizationUrl(redirectUri, secrets);
  expect(reads).toBe(1);
  const old = openId(issuer, { timeoutMs: 10_000, discoveryMs: -1 });
  await old.authorizationUrl(redirectUri, secrets);
  await old.authorizationUrl(redirectUri, secrets);
  expect(reads).toBe(3);
});

test.each([
  ["never answers", () => new Promise<Response>(() => {}), "provider_unavailable"],
  [
    "never ends its answer",
    () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
    "provider_unavailable",
  ],
  ["is in trouble", () => new Response("down", { status: 502 }), "provider_unavailable"],
  ["asks for patience", () => new Response("", { status: 429 }), "provider_unavailable"],
  ["has no document", () => new Response("none", { status: 404 }), "provider_invalid"],
  ["sends a page", () => new Response("<html>"), "provider_invalid"],
  ["is somebody else", () => documentOf("https://evil.example"), "provider_invalid"],
  [
    "sends more than is read",
    () => Response.json({ text: "x".repeat(300 * 1024) }),
    "provider_invalid",
  ],
] as const)("a provider that %s ends the visit", async (_, answer, code) => {
  const times = { timeoutMs: code === "provider_unavailable" ? 100 : 10_000, discoveryMs: 60_000 };
  const issuer = serve(answer);
  expect((await errorOf(openId(issuer, times).authorizationUrl(redirectUri, secrets))).code).toBe(
    code,
  );
});

test("redirects of a provider are not followed", async () => {
  let visits = 0;
  const inner = serve(() => {
    visits += 1;
    return documentOf(inner);
  });
  const issuer = serve(() => Response.redirect(`${inner}/.well-known/openid-configuration`));
  const error = await errorOf(openId(issuer).authorizationUrl(redirectUri, secrets));
  expect([error.code, visits]).toEqual(["provider_invalid", 0]);
});

test("what is said about a failure has no code, token or secret", async () => {
  const issuer = serve((request) =>
    request.url.endsWith("/token")
      ? Response.json({ access_token: "the-access-token", token_type: "bearer", id_token: "a.b.c" })
      : documentOf(originOf(request)),
  );
  const callback = new URL(`${redirectUri}?code=the-code&state=state`);
  for (const provider of [
    openId(issuer),
    new GitHubProvider({ ...settings(issuer), id: "github" }, { timeoutMs: 10_000 }),
  ]) {
    const { code, reasons } = await errorOf(provider.findAccount(callback, secrets));
    expect(code).toBe("provider_invalid");
    expect(reasons).not.toMatch(/the-code|the-access-token|secret|vvv/);
    expect(reasons).not.toBe("");
  }
});
