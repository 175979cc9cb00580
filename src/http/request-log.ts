// Records every request: one log line, its metrics, and a span.
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Ctx } from "../context.ts";
import { clientAddress } from "./address.ts";
import type { AppEnv } from "./router.ts";

/** Machines request these every few seconds: their log lines are at `debug`, and they have no span. */
const probes = new Set(["/health", "/ready", "/metrics"]);

export function requestLog(ctx: Pick<Ctx, "log" | "telemetry">): MiddlewareHandler<AppEnv> {
  const { tracing } = ctx.telemetry;
  return async (c, next) => {
    const { method, path } = c.req;
    // The routes that match a request are known before it is handled.
    const route = patternOf(routePath(c, -1));

    async function handle() {
      const startedAt = performance.now();
      await next();
      const ms = performance.now() - startedAt;
      const outcome = { route, status: c.res.status };
      const [requestId, from] = [c.get("requestId"), clientAddress(c)];
      recordRequest(ctx, { ...outcome, method, path, requestId, from, ms });
      return outcome;
    }

    if (isProbe(route)) await handle();
    else await tracing.request(method, (name) => c.req.header(name), handle);
  };
}

/** The log line and the metrics of a request that has ended. */
export function recordRequest(
  { log, telemetry }: Pick<Ctx, "log" | "telemetry">,
  request: {
    method: string;
    /** The pattern; undefined where no route matched. */
    route: string | undefined;
    path: string;
    requestId: string;
    /** The client's address. */
    from: string;
    status: number;
    ms: number;
  },
): void {
  const { method, route, path, requestId, from, status, ms } = request;
  telemetry.metrics.requestEnded(method, route, status, ms);
  const level = isProbe(route) ? "debug" : "info";
  if (!log.isLevelEnabled(level)) return;
  // The path only: a query may hold a token. What looks like one in a path is left out, too.
  log[level](
    { requestId, method, path: withoutTokens(path), from, status, ms: Math.round(ms) },
    "request",
  );
}

const isProbe = (route: string | undefined) => route !== undefined && probes.has(route);

/** Our secrets, and the parts of a JWT that are worth something, have 43 characters of base64url or more; a UUID has 36. */
export function withoutTokens(path: string): string {
  return path.replaceAll(/[\w-]{40,}/g, "***");
}

/** Middleware for all paths fits every request; what fits nothing else has no route. */
function patternOf(path: string): string | undefined {
  return path === "*" || path === "/*" ? undefined : path;
}
