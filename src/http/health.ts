import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { answers } from "../wire/openapi.ts";
import { within } from "../schedule.ts";
import { createRouter } from "./router.ts";

const databaseTimeoutMs = 2_000;

const Health = z.object({ status: z.literal("healthy") }).meta({ id: "Health" });
const Readiness = z
  .object({
    status: z.enum(["ready", "not_ready"]),
    version: z.string(),
    dependencies: z.object({
      database: z.enum(["up", "down"]),
      model: z
        .string()
        .meta({ description: "The model that answers /bot", example: "gemini-2.5-flash" }),
    }),
  })
  .meta({ id: "Readiness" });

const tags = ["Operations"];

const healthRoute = createRoute({
  method: "get",
  path: "/health",
  operationId: "getHealth",
  tags,
  summary: "Whether the process runs",
  responses: { 200: answers(Health, "It runs") },
});

const readyRoute = createRoute({
  method: "get",
  path: "/ready",
  operationId: "getReadiness",
  tags,
  summary: "Whether the server can serve requests",
  responses: {
    200: answers(Readiness, "The server is ready"),
    503: answers(Readiness, "The database can't be reached, or the server is shutting down"),
  },
});

export function healthRoutes(ctx: Ctx) {
  return createRouter()
    .openapi(healthRoute, (c) => c.json({ status: "healthy" as const }, 200))
    .openapi(readyRoute, async (c) => {
      const database = await databaseState(ctx);
      const ready = database === "up" && !ctx.lifecycle.closing;
      return c.json(
        {
          status: ready ? ("ready" as const) : ("not_ready" as const),
          version: ctx.config.version,
          dependencies: { database, model: ctx.model.description },
        },
        ready ? 200 : 503,
      );
    });
}

async function databaseState(ctx: Ctx): Promise<"up" | "down"> {
  const asked = ctx.sql`select 1`.then(
    () => true,
    () => false,
  );
  return (await within(databaseTimeoutMs, asked)) && (await asked) ? "up" : "down";
}
