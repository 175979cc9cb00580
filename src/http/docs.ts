import { swaggerUI } from "@hono/swagger-ui";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { asyncApi, serversAt, type AsyncApi } from "../wire/asyncapi.ts";
import type { Config } from "../config.ts";
import { createRouter, type AppEnv } from "./router.ts";

// Swagger UI's own files, from npm: the page works without any other host.
const assetsPath = "/docs/assets";
const assets = new Map([
  ["swagger-ui.css", "text/css; charset=utf-8"],
  ["swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
  ["favicon-32x32.png", "image/png"],
]);

const requestIdHeader = "#/components/headers/X-Request-Id";

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

/** Serves the AsyncAPI 3.0 document of the socket. */
export function serveAsyncApi(app: OpenAPIHono<AppEnv>, config: Config) {
  let document: AsyncApi | undefined;
  app.get("/asyncapi.json", (c) => {
    document ??= asyncApi(config.version);
    return c.json({ ...document, servers: serversAt(new URL(c.req.url).host) });
  });
}

/** Serves the OpenAPI 3.1 document of everything that is mounted on `app`. */
export function serveOpenApi(app: OpenAPIHono<AppEnv>, config: Config) {
  let document: ReturnType<typeof openApi> | undefined;
  app.get("/openapi.json", (c) => c.json((document ??= openApi(app, config.version))));
}

/** The OpenAPI 3.1 document of everything that is mounted on `app`. */
export function openApi(app: OpenAPIHono<AppEnv>, version: string) {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The `access_token` of `POST /api/auth/login`",
  });
  app.openAPIRegistry.registerComponent("headers", "X-Request-Id", {
    description: "Names this answer in the server's log: the request's own, or a new one",
    schema: { type: "string" },
  });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Gemini Coop",
      version,
      description:
        "Chat together with Gemini in the same room. Live frames come over `GET /ws`, which [/docs/socket](/docs/socket) " +
        "tells of and `/asyncapi.json` describes. Errors are RFC 9457 problem details whose `detail` can be shown to a " +
        "person. Every answer has an `X-Request-Id`: the request's own if it has a sane one, of at most 255 characters.",
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/" }],
    // Operations that need a token say so.
    security: [],
    tags: [
      { name: "Authentication", description: "Register, sign in, stay signed in" },
      { name: "Chats", description: "Rooms and who is in them" },
      { name: "Messages", description: "The room's log, and the model's answers" },
      { name: "Operations", description: "For whoever runs the server" },
    ],
  });
  for (const { get, post, patch, delete: remove } of Object.values(document.paths ?? {})) {
    for (const operation of [get, post, patch, remove]) {
      for (const response of Object.values(operation?.responses ?? {})) {
        response.headers = { ...response.headers, "X-Request-Id": { $ref: requestIdHeader } };
      }
    }
  }
  return document;
}
