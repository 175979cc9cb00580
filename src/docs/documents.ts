// The OpenAPI and AsyncAPI documents, made once from the mounted routes and the schemas of the frames.
import { z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Config } from "../config/config.ts";
import { createRouter, type AppEnv } from "../http/router.ts";
import { asyncApi, serversAt, type AsyncApi } from "../wire/docs/asyncapi.ts";
import { problemExample } from "../wire/openapi.ts";
import { problemCatalogue } from "../wire/problems.ts";
import { operationNeeds } from "../wire/scopes.ts";

/** Header of every response. */
const requestIdHeader = { "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" } };
/** Headers of every response of the API, unless rate limits are off. */
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

/** The sections of the document. */
const tags = [
  { name: "Authentication", description: "Registration, sign-in and sessions" },
  { name: "Keys and bots", description: "Access for programs" },
  { name: "Webhooks", description: "Addresses that are told of events" },
  {
    name: "Incoming webhooks",
    description: "Addresses by which other services post into a chat",
  },
  { name: "People", description: "Other people of the server" },
  { name: "Push messages", description: "Browsers that ring while the page is closed" },
  { name: "Chats", description: "Rooms and their participants" },
  { name: "Messages", description: "Messages of a room" },
  {
    name: "Files",
    description: "Files of messages: uploads, downloads and the gallery of a chat",
  },
  { name: "Moderation", description: "Roles, and reports of messages" },
  { name: "Answers", description: "Answers of the model and their cost" },
  { name: "Operations", description: "For operators of the server" },
];

/** Registers the security schemes and the headers that operations refer to. */
function registerComponents({ openAPIRegistry: registry }: OpenAPIHono<AppEnv>) {
  registry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The `access_token` of `POST /api/auth/login`",
  });
  registry.registerComponent("securitySchemes", "access_key", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "gck_…",
    description:
      "The `key` of `POST /api/auth/keys` or `POST /api/bots/{bot_id}/keys`. An operation names the scope that the key needs; an " +
      "operation that does not name this scheme takes no key.",
  });
  registry.registerComponent("headers", "X-Request-Id", {
    description:
      "Identifies the request in the server's log: the id that the request has sent, or a new one",
    schema: { type: "string" },
  });
  registry.registerComponent("headers", "RateLimit-Policy", {
    description:
      "The limits of a person (`-person`) and of an address (`-address`): a quota `q` in each window of `w` seconds " +
      "(draft-ietf-httpapi-ratelimit-headers-10)",
    schema: { type: "string" },
    example: '"requests-person";q=600;w=60, "requests-address";q=12000;w=60',
  });
  registry.registerComponent("headers", "RateLimit", {
    description:
      "The remaining quota (`r`) of each limit, and the seconds (`t`) until its window ends",
    schema: { type: "string" },
    example: '"requests-person";r=599;t=60, "requests-address";r=11994;t=42',
  });
}

/** The OpenAPI 3.1 document of everything that is mounted on `app`. */
export function openApi(app: OpenAPIHono<AppEnv>, version: string) {
  registerComponents(app);
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Gemini Coop",
      version,
      description:
        "Several people and Gemini chat in the same room. Live updates use the WebSocket `GET /ws`, which " +
        "[/docs/socket](/docs/socket) and `/asyncapi.json` describe. Errors are RFC 9457 problem details whose `detail` can " +
        "be shown to a person. A request above a rate limit receives 429 with `Retry-After`; `RateLimit` tells the " +
        "remaining quota. Every response has an `X-Request-Id`: the id that the request has sent, if it consists of 1 to " +
        "128 letters, digits and `-_.:/=+@`, or a new one. A method that a path does not have is refused with 405 and " +
        "`Allow`.",
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/" }],
    // Operations that need a token declare it themselves.
    security: [],
    tags,
  });
  for (const [path, { get, post, put, patch, delete: remove }] of Object.entries(
    document.paths ?? {},
  )) {
    const headers = { ...(path.startsWith("/api/") ? rateHeaders : {}), ...requestIdHeader };
    for (const [method, operation] of Object.entries({ get, post, put, patch, delete: remove })) {
      if (operation?.security) describeScope(operation, `${method.toUpperCase()} ${path}`);
      for (const response of Object.values(operation?.responses ?? {})) {
        response.headers = { ...response.headers, ...headers };
      }
    }
  }
  return document;
}

type Operation = NonNullable<
  NonNullable<ReturnType<OpenAPIHono["getOpenAPI31Document"]>["paths"]>[string]["get"]
>;

/** The members of a refusal that another one is added to. */
const KnownRefusal = z.object({
  description: z.string().default(""),
  content: z
    .object({
      "application/problem+json": z
        .object({ examples: z.record(z.string(), z.object({ value: z.unknown() })).default({}) })
        .default({ examples: {} }),
    })
    .default({ "application/problem+json": { examples: {} } }),
});

/** Adds the scope that an access key needs for an operation, and the refusal of a key that does not have it. */
function describeScope(operation: Operation, name: string): void {
  const need = operationNeeds[name] ?? "session";
  if (need !== "session") {
    const [session = {}, ...others] = operation.security ?? [];
    operation.security = [session, { access_key: [need] }, ...others];
  }
  const { title } = problemCatalogue.insufficient_scope;
  const refusal = `${title} (\`insufficient_scope\`)`;
  const known = KnownRefusal.parse(operation.responses?.["403"] ?? {});
  operation.responses = {
    ...operation.responses,
    "403": {
      description: known.description === "" ? refusal : `${known.description}, ${refusal}`,
      content: {
        "application/problem+json": {
          schema: { $ref: "#/components/schemas/Problem" },
          examples: {
            ...known.content["application/problem+json"].examples,
            insufficient_scope: { value: problemExample("insufficient_scope") },
          },
        },
      },
    },
  };
}
