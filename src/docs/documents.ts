// The documents that machines read: made once, of what is mounted and of the frames' schemas.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Config } from "../config/config.ts";
import { createRouter, type AppEnv } from "../http/router.ts";
import { asyncApi, serversAt, type AsyncApi } from "../wire/docs/asyncapi.ts";

/** On every answer. */
const requestIdHeader = { "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" } };
/** On every answer of the API, where rates are on. */
const rateHeaders = {
  "RateLimit-Policy": { $ref: "#/components/headers/RateLimit-Policy" },
  RateLimit: { $ref: "#/components/headers/RateLimit" },
};

/** `/openapi.json` of everything that is mounted on `app`, and `/asyncapi.json` of the socket. */
export function documentRoutes(app: OpenAPIHono<AppEnv>, config: Config) {
  let http: ReturnType<typeof openApi> | undefined;
  let socket: AsyncApi | undefined;
  return createRouter()
    .get("/openapi.json", (c) => c.json((http ??= openApi(app, config.version))))
    .get("/asyncapi.json", (c) => {
      socket ??= asyncApi(config.version);
      return c.json({ ...socket, servers: serversAt(new URL(c.req.url).host) });
    });
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
  app.openAPIRegistry.registerComponent("headers", "RateLimit-Policy", {
    description:
      "What is counted of a person (`-person`) and of an address (`-address`): a quota `q` for each window of `w` seconds " +
      "(draft-ietf-httpapi-ratelimit-headers-10)",
    schema: { type: "string" },
    example: '"requests-person";q=600;w=60, "requests-address";q=12000;w=60',
  });
  app.openAPIRegistry.registerComponent("headers", "RateLimit", {
    description: "What remains (`r`) of these, and the seconds (`t`) until the window ends",
    schema: { type: "string" },
    example: '"requests-person";r=599;t=60, "requests-address";r=11994;t=42',
  });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Gemini Coop",
      version,
      description:
        "Chat together with Gemini in the same room. Live frames come over `GET /ws`, which [/docs/socket](/docs/socket) " +
        "tells of and `/asyncapi.json` describes. Errors are RFC 9457 problem details whose `detail` can be shown to a " +
        "person. Who asks too often gets 429 with `Retry-After`; `RateLimit` says how much is left. Every answer has an " +
        "`X-Request-Id`: the request's own if it has 1 to 128 letters, digits and `-_.:/=+@`, else a new one. A path that " +
        "exists without the request's method is 405 with `Allow`.",
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/" }],
    // Operations that need a token say so.
    security: [],
    tags: [
      { name: "Authentication", description: "Register, sign in, stay signed in" },
      { name: "Chats", description: "Rooms and who is in them" },
      { name: "Messages", description: "The room's log" },
      { name: "Answers", description: "What the model answers, and what it costs" },
      { name: "Operations", description: "For whoever runs the server" },
    ],
  });
  for (const [path, { get, post, patch, delete: remove }] of Object.entries(document.paths ?? {})) {
    const headers = { ...(path.startsWith("/api/") ? rateHeaders : {}), ...requestIdHeader };
    for (const operation of [get, post, patch, remove]) {
      for (const response of Object.values(operation?.responses ?? {})) {
        response.headers = { ...response.headers, ...headers };
      }
    }
  }
  return document;
}
