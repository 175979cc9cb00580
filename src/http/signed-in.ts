import { createMiddleware } from "hono/factory";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { readAccessToken, type Caller } from "../auth/tokens.ts";

/** Lets a request with `Authorization: Bearer` and a good access token pass, as its `caller` (RFC 6750 §2.1). */
export function signedIn(ctx: Ctx) {
  return createMiddleware<{ Variables: { caller: Caller } }>(async (c, next) => {
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
    c.set("caller", await readAccessToken(ctx, token));
    await next();
  });
}

export function bearerTokenOf(header: string): string | undefined {
  return /^bearer +([\w.\-]+) *$/i.exec(header)?.[1];
}
