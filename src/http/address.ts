import type { Context } from "hono";
import type { AppEnv } from "./router.ts";

/** The network address that a request came from. */
export function clientAddress(c: Pick<Context<AppEnv>, "env" | "req">): string {
  return c.env.server.requestIP(c.req.raw)?.address ?? "unknown";
}
