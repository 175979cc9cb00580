import { swaggerUI } from "@hono/swagger-ui";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Config } from "../config.ts";
import { createRouter, type AppEnv } from "./router.ts";

// Swagger UI's own files, from npm: the page works without any other host.
const assetsPath = "/docs/assets";
const assets = new Map([
  ["swagger-ui.css", "text/css; charset=utf-8"],
  ["swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
  ["favicon-32x32.png", "image/png"],
]);

export function docsRoutes() {
  const app = createRouter();
  app.get(
    "/docs",
    swaggerUI({
      title: "Gemini Coop API",
      url: "/openapi.json",
      baseUrl: assetsPath,
      persistAuthorization: true,
      tryItOutEnabled: true,
      displayRequestDuration: true,
      // Else Swagger UI sends the document's address to its maker's validator.
      validatorUrl: "none",
    }),
  );
  app.get(`${assetsPath}/swagger-ui-dist/:file`, (c) => asset(c.req.param("file")) ?? c.notFound());
  // Browsers ask for it by themselves.
  app.get("/favicon.ico", (c) => asset("favicon-32x32.png") ?? c.notFound());
  return app;
}

function asset(file: string): Response | undefined {
  const type = assets.get(file);
  if (!type) return undefined;
  return new Response(Bun.file(Bun.resolveSync(`swagger-ui-dist/${file}`, import.meta.dir)), {
    headers: { "Content-Type": type, "Cache-Control": "public, max-age=86400" },
  });
}

/** Serves the OpenAPI 3.1 document of everything that is mounted on `app`. */
export function serveOpenApi(app: OpenAPIHono<AppEnv>, config: Config) {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The `access_token` of `POST /api/auth/login`",
  });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Gemini Coop",
      version: config.version,
      description:
        "Chat together with Gemini in the same room. Live frames come over `GET /ws?token=`; " +
        "errors are RFC 9457 problem details whose `detail` can be shown to a person.",
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "Authentication", description: "Register, sign in, stay signed in" },
      { name: "Chats", description: "Rooms and who is in them" },
      { name: "Messages", description: "The room's log" },
      { name: "Answers", description: "What the model answers, and what it costs" },
      { name: "Operations", description: "For whoever runs the server" },
    ],
  });
}
