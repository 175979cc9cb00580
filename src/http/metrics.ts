import { createHash, timingSafeEqual } from "node:crypto";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { createRouter } from "./router.ts";

/** For Prometheus, whose `authorization.credentials` is METRICS_TOKEN. Without that setting there is no such path. */
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

/** Of one length, whatever is sent, as a comparison in constant time needs it. */
function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
