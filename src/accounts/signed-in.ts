import { createMiddleware } from "hono/factory";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { authenticate } from "./sign-in.ts";
import type { Caller } from "./access-tokens.ts";
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

export function bearerTokenOf(header: string): string | undefined {
  return /^bearer +([\w.\-]+) *$/i.exec(header)?.[1];
}
