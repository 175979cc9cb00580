import { createMiddleware } from "hono/factory";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { authenticate } from "./authentication.ts";
import { readAccessToken, type Caller } from "./access-tokens.ts";
import type { AppEnv } from "../http/router.ts";
import { sourceOf } from "../http/source.ts";

type SignedIn = AppEnv & { Variables: { caller: Caller } };

/** Lets a request with `Authorization: Bearer` and the token of a session that goes on pass, as its `caller` (RFC 6750 §2.1). */
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
    c.set("caller", { ...(await authenticate(ctx, token)), source: sourceOf(c) });
    await next();
  });
}

/** The person whose access token an Authorization header holds; whether its session still exists is not looked up. */
export async function bearerUserId(
  ctx: Ctx,
  header: string | undefined,
): Promise<number | undefined> {
  const token = bearerTokenOf(header ?? "");
  if (token === undefined) return undefined;
  const identity = await readAccessToken(ctx, token).catch(() => undefined);
  return identity?.id;
}

function bearerTokenOf(header: string): string | undefined {
  return /^bearer +([\w.\-]+) *$/i.exec(header)?.[1];
}
