import type { HonoRequest } from "hono";
import { createMiddleware } from "hono/factory";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { readAccessToken, type Caller } from "../auth/tokens.ts";
import type { AppEnv } from "./router.ts";

/** The context of a request, whether or not its route has more variables. */
export interface BearerContext {
  readonly req: HonoRequest;
  get(key: "bearer"): Promise<Caller> | undefined;
  set(key: "bearer", value: Promise<Caller>): void;
}

/** Lets a request with `Authorization: Bearer` and a good access token pass, as its `caller` (RFC 6750 §2.1). */
export function signedIn(ctx: Ctx) {
  return createMiddleware<AppEnv & { Variables: { caller: Caller } }>(async (c, next) => {
    c.set("caller", await readBearer(ctx, c));
    await next();
  });
}

/** Whose access token a request carries: read once, however often it is asked. @throws Problem `invalid_token` */
export function readBearer(ctx: Ctx, c: BearerContext): Promise<Caller> {
  const read = c.get("bearer") ?? callerOf(ctx, c.req.header("authorization"));
  c.set("bearer", read);
  return read;
}

async function callerOf(ctx: Ctx, header: string | undefined): Promise<Caller> {
  if (!header) {
    throw new Problem(
      "invalid_token",
      "Sign in first: send Authorization: Bearer and an access token.",
    );
  }
  const [, token] = /^bearer +([\w.\-]+) *$/i.exec(header) ?? [];
  if (!token) {
    throw new Problem(
      "invalid_token",
      "The Authorization header must be Bearer and an access token.",
    );
  }
  return await readAccessToken(ctx, token);
}
