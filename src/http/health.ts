import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { answers } from "../wire/openapi.ts";
import { within } from "../schedule.ts";
import { createRouter } from "./router.ts";

const databaseTimeoutMs = 2_000;

const Health = z.object({ status: z.literal("healthy") }).meta({ id: "Health" });
const Readiness = z
  .object({
    status: z.enum(["ready", "degraded", "not_ready"]).meta({
      description:
        "degraded: requests are served, but the bus between servers is away, so that other servers' frames come up to two seconds late",
    }),
    version: z.string(),
    dependencies: z.object({
      database: z.enum(["up", "down"]),
      bus: z.enum(["up", "away"]).optional().meta({
        description: "The bus between servers; absent where NATS_URL is not set",
      }),
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
    200: answers(Readiness, "The server serves requests"),
    503: answers(Readiness, "The database can't be reached, or the server is shutting down"),
  },
});

export function healthRoutes(ctx: Ctx) {
  return createRouter()
    .openapi(healthRoute, (c) => c.json({ status: "healthy" as const }, 200))
    .openapi(readyRoute, async (c) => {
      const database = await databaseState(ctx);
      const ready = database === "up" && !ctx.lifecycle.closing;
      const { bus } = ctx.peers;
      const served = bus === "away" ? ("degraded" as const) : ("ready" as const);
      return c.json(
        {
          status: ready ? served : ("not_ready" as const),
          version: ctx.config.version,
          dependencies: {
            database,
            ...(bus === undefined ? {} : { bus }),
            model: ctx.model.description,
          },
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
