import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { operationNeeds } from "../wire/scopes.ts";
import { authenticate } from "./authentication.ts";
import { isAccessKey } from "./access-keys.ts";
import { readAccessToken, type Caller, type Grant } from "./access-tokens.ts";
import { checkChats, checkScope } from "./grants.ts";
import type { AppEnv } from "../http/router.ts";
import { sourceOf } from "../http/source.ts";

type SignedIn = AppEnv & { Variables: { caller: Caller } };

/**
 * Lets a request with `Authorization: Bearer` pass, as its `caller` (RFC 6750 §2.1): with the access token of a session that goes on, or
 * with an access key that has the scope that scopes.ts lists for the route.
 */
export function signedIn(ctx: Ctx) {
  return createMiddleware<SignedIn>(async (c, next) => {
    const header = c.req.header("authorization");
    if (!header) {
      throw new Problem(
        "invalid_token",
        "Sign in first: send Authorization: Bearer and an access token.",
      );
    }
    const token = bearerTokenOf(header);
    if (!token) {
      throw new Problem(
        "invalid_token",
        "The Authorization header must be Bearer and an access token.",
      );
    }
    const source = sourceOf(c);
    const identity = await authenticate(ctx, token, source);
    checkGrant(c, identity.grant);
    c.set("caller", { ...identity, source });
    await next();
  });
}

/** @throws Problem `insufficient_scope`, `not_found` for a chat that the key may not be used in */
function checkGrant(c: Context<SignedIn>, grant: Grant | undefined): void {
  if (!grant) return;
  const method = c.req.method === "HEAD" ? "GET" : c.req.method;
  const operation = `${method} ${routePath(c).replaceAll(/:(\w+)/g, "{$1}")}`;
  const need = operationNeeds[operation] ?? "session";
  checkScope(grant, need);
  const chatId = c.req.param("chat_id");
  checkChats(grant, operation, { need, chatId: chatId === undefined ? undefined : Number(chatId) });
}

/** The person whose access token or access key an Authorization header holds; whether its session still exists is not looked up. */
export async function bearerUserId(
  ctx: Ctx,
  header: string | undefined,
): Promise<number | undefined> {
  const token = bearerTokenOf(header ?? "");
  if (token === undefined) return undefined;
  // A key that is not known here counts for its address only, so that unknown ones are not looked up before they are counted.
  const identity = isAccessKey(token)
    ? ctx.sessionCache.findIdentity(token)
    : await readAccessToken(ctx, token).catch(() => undefined);
  return identity?.id;
}

function bearerTokenOf(header: string): string | undefined {
  return /^bearer +([\w.\-]+) *$/i.exec(header)?.[1];
}
