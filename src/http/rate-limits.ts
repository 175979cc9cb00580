// Counts HTTP requests, and tells in every answer how much is left.
import type { Context, MiddlewareHandler } from "hono";
import { readAccessToken } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import type { Count } from "../rate-limits/limiter.ts";
import type { RateName } from "../rate-limits/limits.ts";
import type { Doer } from "../rate-limits/rates.ts";
import { clientAddress, networkOf } from "./address.ts";
import type { AppEnv } from "./router.ts";
import { bearerTokenOf } from "../accounts/signed-in.ts";

/** The context of a request, whether or not its route has more variables. */
type CountedContext = Pick<Context, "header"> & { get(key: "doer"): Doer | undefined };

/**
 * Refuses who asks too much, before anything else is done for them, and also for what would be refused anyway. Whoever has
 * a good token is counted as a person first, so that no person alone uses up what all behind an address may do.
 */
export function limitRequests(ctx: Ctx): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (ctx.rates.on) {
      const userId = await bearerOf(ctx, c.req.header("authorization"));
      c.set("doer", { userId, network: networkOf(clientAddress(c)) });
      await countIn(ctx, c, "requests");
    }
    await next();
  };
}

/** For a route that counts as something more than a request. */
export function limit(ctx: Ctx, name: RateName): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await countIn(ctx, c, name);
    await next();
  };
}

/** Counts `points` of something that a request is about to do. @throws Problem `rate_limited` */
export async function countIn(
  ctx: Ctx,
  c: CountedContext,
  name: RateName,
  points = 1,
): Promise<void> {
  const doer = c.get("doer");
  if (!doer || points === 0) return;
  const { counts, refusal } = await ctx.rates.take(name, doer, points);
  for (const count of counts) showCount(c, count);
  if (refusal) throw refusal;
}

/** Whose access token it is, as far as its signature says; whether it is still good is for the route to find out. */
async function bearerOf(ctx: Ctx, header: string | undefined): Promise<number | undefined> {
  const token = bearerTokenOf(header ?? "");
  if (token === undefined) return undefined;
  const caller = await readAccessToken(ctx, token).catch(() => undefined);
  return caller?.id;
}

/** https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10: two lists, of one item a policy. */
function showCount(c: CountedContext, count: Count) {
  const { policy, quota, windowSeconds, remaining, resetSeconds } = count;
  c.header("RateLimit-Policy", `"${policy}";q=${quota};w=${windowSeconds}`, { append: true });
  c.header("RateLimit", `"${policy}";r=${remaining};t=${resetSeconds}`, { append: true });
}
