import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { signedIn } from "../accounts/signed-in.ts";
import type { Config } from "../config/config.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { sourceOf } from "../http/source.ts";
import {
  CallbackQuery,
  Identity,
  IdentityPath,
  LinkPath,
  LinkQuery,
  Provider,
  ProviderPath,
  ReturnError,
  signInCodeTtlSeconds,
  SignInCodeInput,
  Visit,
  VisitQuery,
  visitTtlSeconds,
} from "../wire/identities.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { Confirmation, Tokens } from "../wire/users.ts";
import { exchangeCode, unlinkIdentity } from "./identities.ts";
import { findIdentities } from "./identity-queries.ts";
import type { Providers } from "./providers.ts";
import { beginVisit, endVisit } from "./visits.ts";

const tags = ["Authentication"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;
const header = (description: string) => ({ description, schema: { type: "string" } }) as const;
const setsCookie = { "Set-Cookie": header("Binds the visit to the browser, or ends that") };
/** Not just `{}`, for which the types of a route allow no answer at all. */
const noContent: Record<string, { schema: z.ZodType }> = {};
const redirects = (description: string) => ({
  302: {
    description,
    content: noContent,
    headers: { Location: header("The address"), ...setsCookie },
  },
});
const errorNames = ReturnError.options.map((name) => `\`${name}\``).join(", ");

const providersRoute = createRoute({
  method: "get",
  path: "/api/auth/providers",
  operationId: "listProviders",
  tags,
  summary: "Which other accounts can I sign in with?",
  responses: { 200: answers(z.array(Provider), "The providers that are set up"), ...refuses() },
});

const beginRoute = createRoute({
  method: "get",
  path: "/api/auth/oauth/{provider}",
  operationId: "beginProviderSignIn",
  tags,
  summary: "Sign in with an account at a provider",
  description:
    "A browser opens it as a page. It is sent to the provider, and in the end to `return_to` with `code` in the fragment, which " +
    "`POST /api/auth/oauth/token` exchanges for tokens, or with `error` and `provider`. Errors are " +
    `${errorNames}. A cookie binds the visit to the browser: authorization code with PKCE (RFC 7636), \`state\`, \`nonce\`, ` +
    "and `iss` (RFC 9207). A person who comes for the first time gets an account, a free username, and no password; the provider has to " +
    "vouch for an email address that nobody here has (`email_taken`: sign in first, then link the account).",
  request: { params: ProviderPath, query: VisitQuery },
  responses: { ...redirects("The provider's page"), ...refuses("not_found", "invalid") },
});

const callbackRoute = createRoute({
  method: "get",
  path: "/api/auth/oauth/{provider}/callback",
  operationId: "endProviderSignIn",
  tags,
  summary: "Come back from a provider",
  description:
    "The redirect address that has to be registered at the provider, on `PUBLIC_URL`. Only providers send a browser here.",
  request: { params: ProviderPath, query: CallbackQuery },
  responses: {
    ...redirects("`return_to`, with the outcome in the fragment"),
    ...refuses("not_found", "invalid"),
  },
});

const tokenRoute = createRoute({
  method: "post",
  path: "/api/auth/oauth/token",
  operationId: "exchangeSignInCode",
  tags,
  summary: "Exchange the code of a sign-in for tokens",
  description:
    `A code works once, for ${signInCodeTtlSeconds} s, and only for the browser that has begun the sign-in: the cookie has to come along, or ` +
    "`code_verifier` where the sign-in began with a `code_challenge`. Where an authenticator app is set up, the answer is `mfa_required` " +
    "with a `ticket`, as for a password.",
  request: { body: takes(SignInCodeInput) },
  responses: {
    200: { ...answers(Tokens, "Tokens of a new session"), headers: setsCookie },
    ...refuses(...badBody, "invalid_token", "mfa_required"),
  },
});

const identitiesRoute = createRoute({
  method: "get",
  path: "/api/auth/identities",
  operationId: "listIdentities",
  tags,
  summary: "Which other accounts are linked to mine?",
  security: bearer,
  responses: {
    200: answers(z.array(Identity), "The caller's identities"),
    ...refuses("invalid_token"),
  },
});

const linkRoute = createRoute({
  method: "post",
  path: "/api/auth/identities/{identity}",
  operationId: "linkIdentity",
  tags,
  summary: "Link an account at a provider to mine",
  description:
    "The browser then goes to `url`, and comes back to `return_to` with `linked` in the fragment, or with `error` and `provider` as for " +
    "a sign-in. The answer sets the cookie that binds the visit to the browser, so a page of another origin needs " +
    '`credentials: "include"`, and has to belong to the same site. The account is linked only if the session goes on, and was begun by a ' +
    "sign-in within the last 10 minutes. The email address is told.",
  security: bearer,
  request: { params: LinkPath, query: LinkQuery },
  responses: {
    200: { ...answers(Visit, "Where the browser has to go"), headers: setsCookie },
    ...refuses("invalid_token", "sign_in_again", "not_found", "invalid"),
  },
});

const unlinkRoute = createRoute({
  method: "delete",
  path: "/api/auth/identities/{identity}",
  operationId: "unlinkIdentity",
  tags,
  summary: "Unlink an account at a provider",
  description:
    "Never the last way to sign in: an account without a password keeps one identity. Sessions that have begun go on.",
  security: bearer,
  request: { params: IdentityPath },
  responses: {
    200: answers(Confirmation, "The account is unlinked"),
    ...refuses("invalid_token", "not_found", "last_way_in", "invalid"),
  },
});

/** The cookie that binds a visit to the browser. */
class VisitCookie {
  readonly #isSecure: boolean;
  readonly #name: string;

  constructor({ publicUrl }: Config) {
    this.#isSecure = publicUrl.startsWith("https:");
    // RFC 6265bis §4.1.3: no other host of the site can set a cookie with this prefix.
    this.#name = this.#isSecure ? "__Host-provider-visit" : "provider-visit";
  }

  read(c: Context): string | undefined {
    return getCookie(c, this.#name);
  }

  /** `Lax`, since it has to come along when the provider sends the browser back. */
  set(c: Context, secret: string): void {
    const maxAge = visitTtlSeconds + signInCodeTtlSeconds;
    setCookie(c, this.#name, secret, { ...this.#attributes(), maxAge });
  }

  remove(c: Context): void {
    deleteCookie(c, this.#name, this.#attributes());
  }

  #attributes() {
    return { path: "/", httpOnly: true, sameSite: "Lax", secure: this.#isSecure } as const;
  }
}

export function identityRoutes(ctx: Ctx, providers: Providers) {
  const cookie = new VisitCookie(ctx.config);
  const isSignedIn = signedIn(ctx);
  const limited = limit(ctx, "providerSignIns");
  return createRouter()
    .openapi(providersRoute, (c) => c.json(providers.list(), 200))
    .openapi({ ...beginRoute, middleware: limited }, async (c) => {
      const { provider } = c.req.valid("param");
      const begun = await beginVisit(ctx, providers, { ...c.req.valid("query"), provider });
      if (begun.secret !== undefined) cookie.set(c, begun.secret);
      return c.redirect(begun.url, 302);
    })
    .openapi({ ...callbackRoute, middleware: limited }, async (c) => {
      const { provider } = c.req.valid("param");
      const query = new URL(c.req.url).searchParams;
      const secret = cookie.read(c);
      const visit = { provider, query, secret, source: sourceOf(c) };
      return c.redirect(await endVisit(ctx, providers, visit), 302);
    })
    .openapi({ ...tokenRoute, middleware: limited }, async (c) => {
      const secret = cookie.read(c);
      const tokens = await exchangeCode(ctx, c.req.valid("json"), secret, sourceOf(c));
      cookie.remove(c);
      return c.json(tokens, 200);
    })
    .openapi({ ...identitiesRoute, middleware: isSignedIn }, async (c) =>
      c.json(await findIdentities(ctx.sql, c.get("caller").id), 200),
    )
    .openapi({ ...linkRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const { identity: provider } = c.req.valid("param");
      const visit = { ...c.req.valid("query"), provider, caller: c.get("caller") };
      const { url, secret } = await beginVisit(ctx, providers, visit);
      if (secret !== undefined) cookie.set(c, secret);
      return c.json({ url }, 200);
    })
    .openapi({ ...unlinkRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      await unlinkIdentity(ctx, c.get("caller"), c.req.valid("param").identity);
      return c.json({ message: "The account is unlinked." }, 200);
    });
}
