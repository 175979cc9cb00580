// Records every request: one log line, its metrics, and a span.
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Ctx } from "../context.ts";
import { clientAddress } from "./address.ts";
import type { AppEnv } from "./router.ts";

/** Machines request these every few seconds: their log lines are at `debug`, and they have no span. */
const probes = new Set(["/health", "/ready", "/metrics"]);

export function requestLog({
  log,
  telemetry: { metrics, tracing },
}: Pick<Ctx, "log" | "telemetry">): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { method, path } = c.req;
    // The routes that match a request are known before it is handled.
    const route = patternOf(routePath(c, -1));
    const isProbe = route !== undefined && probes.has(route);

    async function handle() {
      const startedAt = performance.now();
      await next();
      const ms = performance.now() - startedAt;
      const { status } = c.res;
      metrics.requestEnded(method, route, status, ms);
      // The path only: a query may hold a token. What looks like one in a path is left out, too.
      log[isProbe ? "debug" : "info"](
        {
          requestId: c.get("requestId"),
          method,
          path: withoutTokens(path),
          from: clientAddress(c),
          status,
          ms: Math.round(ms),
        },
        "request",
      );
      return { route, status };
    }

    if (isProbe) await handle();
    else await tracing.request(method, (name) => c.req.header(name), handle);
  };
}

/** Our secrets, and the parts of a JWT that are worth something, have 43 characters of base64url or more; a UUID has 36. */
export function withoutTokens(path: string): string {
  return path.replaceAll(/[\w-]{40,}/g, "***");
}

/** Middleware for all paths fits every request; what fits nothing else has no route. */
function patternOf(path: string): string | undefined {
  return path === "*" || path === "/*" ? undefined : path;
}
