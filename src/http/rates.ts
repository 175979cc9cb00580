// Counts HTTP requests, and tells in every answer how much is left.
import type { Context, MiddlewareHandler } from "hono";
import type { Ctx } from "../context.ts";
import type { Count } from "../rates/limiter.ts";
import type { RateName } from "../rates/limits.ts";
import { clientAddress, networkOf, type ClientContext } from "./address.ts";
import type { AppEnv } from "./router.ts";
import { readBearer, type BearerContext } from "./signed-in.ts";

type CountedContext = BearerContext & ClientContext & Pick<Context, "header">;

/**
 * Refuses who asks too much, before anything else is done for them, and even for what would be refused anyway. Whoever has
 * a good token is counted as a person first, so that one person alone never uses up what all behind an address may do.
 */
export function limitRequests(ctx: Ctx): MiddlewareHandler<AppEnv> {
  return limit(ctx, "requests");
}

/** For a route that counts as something more than a request. Comes after {@link signedIn} where it is there. */
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
  if (!ctx.rates.on || points === 0) return;
  const caller = await readBearer(ctx, c).catch(() => undefined);
  const doer = { userId: caller?.id, network: networkOf(clientAddress(c)) };
  const { counts, refusal } = await ctx.rates.take(name, doer, points);
  for (const count of counts) showCount(c, count);
  if (refusal) throw refusal;
}

/** https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10: two lists, of one item a policy. */
function showCount(c: CountedContext, count: Count) {
  const { policy, quota, windowSeconds, remaining, resetSeconds } = count;
  c.header("RateLimit-Policy", `"${policy}";q=${quota};w=${windowSeconds}`, { append: true });
  c.header("RateLimit", `"${policy}";r=${remaining};t=${resetSeconds}`, { append: true });
}
