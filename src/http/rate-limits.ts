// Rate limits of HTTP requests, and their headers.
import type { Context, MiddlewareHandler } from "hono";
import type { Ctx } from "../context.ts";
import type { Count } from "../rate-limits/limiter.ts";
import type { RateName } from "../rate-limits/limits.ts";
import type { Doer } from "../rate-limits/rate-limits.ts";
import { clientAddress, networkOf } from "./address.ts";
import type { AppEnv } from "./router.ts";

/** The context of a request, whether or not its route has more variables. */
type CountedContext = Pick<Context, "header"> & { get(key: "doer"): Doer | undefined };

/** Reads the person whose access token an Authorization header holds; undefined without a valid one. */
type ReadBearer = (authorization: string | undefined) => Promise<number | undefined>;

/**
 * Refuses a client that asks too much, before anything else is done for it, and also when its request would be refused
 * anyway. A client with a valid token is counted as a person first, so that nobody alone uses up the quota of everybody
 * behind an address.
 */
export function limitRequests(ctx: Ctx, readBearer: ReadBearer): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (ctx.rateLimits.on) {
      const userId = await readBearer(c.req.header("authorization"));
      c.set("doer", { userId, network: networkOf(clientAddress(c)) });
      await countIn(ctx, c, "requests");
    }
    await next();
  };
}

/** Counts a route as one of the actions of limits.ts, in addition to the request itself. */
export function limit(ctx: Ctx, name: RateName): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await countIn(ctx, c, name);
    await next();
  };
}

/** Counts `points` of an action that a request is about to do. @throws Problem `rate_limited` */
export async function countIn(
  ctx: Ctx,
  c: CountedContext,
  name: RateName,
  points = 1,
): Promise<void> {
  const doer = c.get("doer");
  if (!doer || points === 0) return;
  const { counts, refusal } = await ctx.rateLimits.take(name, doer, points);
  for (const count of counts) showCount(c, count);
  if (refusal) throw refusal;
}

/** https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10: two lists, of one item a policy. */
function showCount(c: CountedContext, count: Count) {
  const { policy, quota, windowSeconds, remaining, resetSeconds } = count;
  c.header("RateLimit-Policy", `"${policy}";q=${quota};w=${windowSeconds}`, { append: true });
  c.header("RateLimit", `"${policy}";r=${remaining};t=${resetSeconds}`, { append: true });
}
