// What every request leaves behind: one line in the log, and its part in the metrics.
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Ctx } from "../context.ts";
import type { AppEnv } from "./router.ts";

/** Asked every few seconds, by machines: no more than `debug`. */
const probes = new Set(["/health", "/ready", "/metrics"]);

export function requestLog({
  log,
  metrics,
}: Pick<Ctx, "log" | "metrics">): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedAt = performance.now();
    await next();
    const ms = performance.now() - startedAt;
    const { status } = c.res;
    const route = patternOf(routePath(c, -1));
    metrics.requestEnded(c.req.method, route, status, ms);
    const level = probes.has(route ?? "") ? "debug" : "info";
    // The path only: a query may hold a token.
    log[level](
      {
        requestId: c.get("requestId"),
        method: c.req.method,
        path: c.req.path,
        status,
        ms: Math.round(ms),
      },
      "request",
    );
  };
}

/** Middleware for all paths fits every request; what fits nothing else has no route. */
function patternOf(path: string): string | undefined {
  return path === "*" || path === "/*" ? undefined : path;
}
