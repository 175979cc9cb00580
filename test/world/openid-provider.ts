// A real OpenID provider (oidc-provider from npm) on loopback, whose answers a test can spoil on their way out.
import { createServer } from "node:http";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, type JWTPayload } from "jose";
import Provider from "oidc-provider";
import { freePort } from "./free-port.ts";

export interface OpenIdAccount {
  email?: string;
  email_verified?: boolean;
  preferred_username?: string;
  name?: string;
}

/** A change of the ID token's claims, or another token. */
export type Lie = (claims: JWTPayload, keys: LyingKeys) => Promise<string> | string;

export interface LyingKeys {
  /** Signs claims with the provider's own key. */
  sign(claims: JWTPayload): Promise<string>;
  /** Signs claims with a key that is not the provider's, under its key's id. */
  forge(claims: JWTPayload): Promise<string>;
}

export const openIdClient = { id: "chat", secret: "a secret of the chat server, 40 characters" };
/** The cookie by which a browser says as which account it signs in. */
export const accountCookie = "account";
/** An account that refuses. */
export const refuser = "refuser";

export async function startOpenIdProvider(callback: string) {
  const port = freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const accounts = new Map<string, OpenIdAccount>();
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const stranger = await generateKeyPair("ES256");
  const signed = (key: CryptoKey) => (claims: JWTPayload) =>
    new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "key" }).sign(key);
  const keys: LyingKeys = { sign: signed(privateKey), forge: signed(stranger.privateKey) };
  const spoiled: { lie: Lie | undefined; status: number | undefined; body: string | undefined } = {
    lie: undefined,
    status: undefined,
    body: undefined,
  };

  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: openIdClient.id,
        client_secret: openIdClient.secret,
        redirect_uris: [callback],
        id_token_signed_response_alg: "ES256",
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: "key", use: "sig", alg: "ES256" }] },
    cookies: { keys: ["signs the cookies of the provider"] },
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["name", "preferred_username"],
    },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, ...accounts.get(id) }),
    }),
    async loadExistingGrant({
      oidc,
    }: {
      oidc: { client: { clientId: string }; session: { accountId: string } };
    }) {
      const { clientId } = oidc.client;
      const grant = new provider.Grant({ clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    if (ctx.path.startsWith("/interaction/")) {
      const accountId = ctx.cookies.get(accountCookie, { signed: false }) ?? "";
      const result = accountId === refuser ? { error: "access_denied" } : { login: { accountId } };
      const options = { mergeWithLastSubmission: false };
      await provider.interactionFinished(ctx.req, ctx.res, result, options);
      ctx.respond = false;
      return;
    }
    await next();
    const { lie, status, body } = spoiled;
    if (ctx.path !== "/token") return;
    if (status !== undefined) ctx.status = status;
    if (body !== undefined) ctx.body = body;
    const tokens = ctx.body;
    if (!lie || typeof tokens !== "object" || tokens === null || !("id_token" in tokens)) return;
    const claims = decodeJwt(String(tokens.id_token));
    ctx.body = { ...tokens, id_token: await lie(claims, keys) };
  });
  const server = createServer(provider.callback());
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    issuer,
    accounts,
    /** Spoils what the token endpoint answers, until `work` ends. */
    async while<T>(spoil: Partial<typeof spoiled>, work: () => Promise<T>): Promise<T> {
      Object.assign(spoiled, spoil);
      try {
        return await work();
      } finally {
        Object.assign(spoiled, { lie: undefined, status: undefined, body: undefined });
      }
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
export type OpenIdProviderServer = Awaited<ReturnType<typeof startOpenIdProvider>>;
