import { createHash, timingSafeEqual } from "node:crypto";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { createRouter } from "./router.ts";

/** The scrape endpoint of Prometheus, whose `authorization.credentials` is METRICS_TOKEN. Without that setting it does not exist. */
export function metricsRoutes({
  config,
  telemetry: { metrics },
}: Pick<Ctx, "config" | "telemetry">) {
  const app = createRouter();
  const { metricsToken } = config;
  if (metricsToken === undefined) return app;
  const expected = digestOf(metricsToken);
  return app.get("/metrics", async (c) => {
    const [, token = ""] = /^bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (!timingSafeEqual(digestOf(token), expected)) {
      throw new Problem("invalid_token", "Send Authorization: Bearer and the METRICS_TOKEN.");
    }
    const rendered = await metrics.render();
    if (!rendered) return c.notFound();
    return c.body(rendered.text, 200, {
      "Content-Type": rendered.contentType,
      "Cache-Control": "no-store",
    });
  });
}

/** A digest has the same length for every token, which a comparison in constant time needs. */
function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
