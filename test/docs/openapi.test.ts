import { beforeAll, describe, expect, test } from "bun:test";
import { Passwords } from "../../src/accounts/passwords.ts";
import { Uploads } from "../../src/attachments/uploads.ts";
import { ExportSlots } from "../../src/export/export-slots.ts";
import { SocketUpgrade } from "../../src/socket/upgrade.ts";
import { createStoreReaction } from "../../src/reactions/commit.ts";
import { ReadNotices } from "../../src/receipts/notices.ts";
import { createApp } from "../../src/app.ts";
import { problemCatalogue } from "../../src/wire/problems.ts";
import { appToDescribe, undescribed } from "../world/contract.ts";
import { checkerOf } from "../world/json-schema.ts";
import { noMail } from "../../src/mail/mail.ts";
import { useWorld } from "../world/world.ts";
import { Document, operationsOf, schemasIn, type Operation } from "./openapi.ts";
import { z } from "zod";

const world = useWorld();
let document: Document;
let operations: Map<string, Operation>;
let check: ReturnType<typeof checkerOf>;
beforeAll(async () => {
  const { body } = await world.call("GET", "/openapi.json");
  document = Document.parse(body);
  operations = operationsOf(document);
  check = checkerOf(document.components.schemas);
});

/** Operations that existing clients use, and those that were added. */
const endpoints: [operation: string, statuses: number[]][] = [
  ["POST /api/auth/register", [400, 409, 413, 415, 422]],
  ["POST /api/auth/login", [400, 401, 413, 415, 422]],
  ["GET /api/auth/me", [401]],
  ["POST /api/auth/refresh", [400, 401, 413, 415, 422]],
  ["POST /api/auth/logout", [400, 401, 413, 415, 422]],
  ["POST /api/auth/ws-ticket", [401]],
  ["POST /api/auth/password", [400, 401, 403, 409, 413, 415, 422]],
  ["POST /api/auth/oauth/token", [400, 401, 413, 415, 422]],
  ["GET /api/auth/identities", [401]],
  ["DELETE /api/auth/identities/{identity}", [401, 404, 409, 422]],
  ["GET /api/auth/sessions", [401]],
  ["DELETE /api/auth/sessions", [401]],
  ["DELETE /api/auth/sessions/{session_id}", [401, 404, 422]],
  ["POST /api/chats", [400, 401, 404, 409, 413, 415, 422]],
  ["GET /api/chats", [401]],
  ["POST /api/chats/{chat_id}/mark-read", [400, 401, 404, 413, 415, 422]],
  ["GET /api/chats/{chat_id}/read-receipts", [401, 404, 422]],
  ["GET /api/users/search", [401, 422]],
  ["GET /api/search", [401, 404, 422]],
  ["GET /api/chats/{chat_id}", [401, 404, 422]],
  ["POST /api/chats/{chat_id}/invite", [400, 401, 404, 409, 413, 415, 422]],
  ["GET /api/chats/{chat_id}/messages", [401, 404, 422]],
  ["GET /api/chats/{chat_id}/participants", [401, 404, 422]],
  ["POST /api/chats/{chat_id}/messages", [400, 401, 404, 409, 413, 415, 422]],
  ["PATCH /api/chats/{chat_id}", [400, 401, 403, 404, 413, 415, 422]],
  ["DELETE /api/chats/{chat_id}", [401, 403, 404, 422]],
  ["POST /api/chats/{chat_id}/leave", [401, 404, 409, 422]],
  ["DELETE /api/chats/{chat_id}/participants/{user_id}", [401, 403, 404, 409, 422]],
  ["POST /api/chats/{chat_id}/messages/{message_id}/stop", [401, 404, 409, 422]],
];

test("the document is OpenAPI 3.1 under its own media type", async () => {
  const { status, headers } = await world.call("GET", "/openapi.json");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toStartWith("application/json");
});

test.each(endpoints)("%s is described with its success and all its problems", (name, statuses) => {
  const operation = operations.get(name);
  if (!operation) throw new Error("is not described");
  const { responses } = operation;
  // Every operation that takes a token refuses access keys without its scope.
  const refused = new Set([...statuses, ...(operation.security ? [403] : [])]);
  const all = [200, ...[...refused].toSorted((a, b) => a - b), 429, 500, 503];
  expect(Object.keys(responses)).toEqual(all.map(String));
  expect(Object.keys(responses["200"]?.content ?? {})).toEqual(["application/json"]);
  for (const status of Object.keys(responses).filter((each) => each !== "200")) {
    expect(Object.keys(responses[status]?.content ?? {})).toEqual(["application/problem+json"]);
    expect(responses[status]?.content["application/problem+json"]?.schema).toEqual({
      $ref: "#/components/schemas/Problem",
    });
  }
  const headersOf: Record<string, string[]> = {
    401: ["WWW-Authenticate"],
    429: ["Retry-After"],
    503: ["Retry-After"],
  };
  for (const [status, { headers }] of Object.entries(responses).slice(1)) {
    expect(Object.keys(headers)).toEqual([
      ...(headersOf[status] ?? []),
      "RateLimit-Policy",
      "RateLimit",
      "X-Request-Id",
    ]);
  }
});

test("/health and /ready are described", () => {
  const statuses = (name: string) => Object.keys(operations.get(name)?.responses ?? {});
  expect(statuses("GET /health")).toEqual(["200"]);
  expect(statuses("GET /ready")).toEqual(["200", "503"]);
});

test("operations have names of their own, and tags that are declared", () => {
  const ids = [...operations.values()].map((operation) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const declared = document.tags.map((tag) => tag.name);
  for (const { tags } of operations.values()) expect(declared).toContain(tags[0] ?? "none");
});

test("just the operations that need a token ask for the bearer scheme, which is there", async () => {
  expect(document.components.securitySchemes).toEqual({
    bearer: expect.objectContaining({ type: "http", scheme: "bearer" }),
    access_key: expect.objectContaining({ type: "http", scheme: "bearer" }),
  });
  for (const [name, operation] of operations) {
    const [method = "", path = ""] = name.split(" ");
    const answer = await world.call(method, path.replaceAll(/\{\w+\}/g, "1"));
    const needsToken = operation.security !== undefined;
    // Access keys are another scheme, and a file may be asked for with a ticket instead of any.
    const isOptional = operation.parameters?.some(({ name: each }) => each === "ticket");
    if (needsToken) {
      expect(operation.security?.[0]).toEqual({ bearer: [] });
      const hasNone = operation.security?.some((scheme) => Object.keys(scheme).length === 0);
      expect(hasNone).toBe(isOptional ?? false);
    }
    expect({ name, needsToken }).toEqual({ name, needsToken: answer.status === 401 });
  }
});

test("every route is described or a page, and every operation is a route", () => {
  const { ctx } = world;
  const parts = {
    ctx,
    passwords: new Passwords(ctx.log),
    mail: noMail,
    exportSlots: new ExportSlots(),
    storeReaction: createStoreReaction(ctx.sql),
    receipts: new ReadNotices(ctx),
    uploads: new Uploads(ctx.log),
    upgrade: new SocketUpgrade(ctx),
  };
  const routes = createApp(parts)
    .routes.filter((route) => route.method !== "ALL")
    .map((route) => `${route.method} ${route.path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const known = [...operations.keys(), ...undescribed];
  expect([...new Set(routes)].toSorted()).toEqual(known.toSorted());
});

/** The path parameters that are no whole numbers. */
const textual: Record<string, object> = {
  session_id: { type: "string", format: "uuid" },
  emoji: { type: "string", maxLength: 32 },
  provider: { type: "string", maxLength: 20 },
  // A provider to link, and a number to unlink.
  identity: {},
  upload_id: { type: "string", format: "uuid" },
  width: { type: "integer", enum: [256, 1024] },
  picture_id: { type: "string", format: "uuid" },
  secret: { type: "string", maxLength: 200 },
};

test("parameters are whole numbers, a session's id a UUID, an emoji a text, and those of a path are all there and required", () => {
  for (const [name, { parameters = [] }] of operations) {
    const inPath = parameters.filter((parameter) => parameter.in === "path");
    const names = [...name.matchAll(/\{(\w+)\}/g)].map(([, each]) => each);
    expect<unknown[]>(inPath.map((parameter) => parameter.name)).toEqual(names);
    for (const parameter of inPath) {
      expect(parameter.required).toBe(true);
      expect(parameter.schema).toMatchObject(
        textual[parameter.name] ?? { type: "integer", minimum: 1 },
      );
    }
  }
  const paging = operations.get("GET /api/chats/{chat_id}/messages")?.parameters?.slice(1);
  expect(paging?.map(({ name, schema }) => [name, schema])).toEqual([
    ["limit", expect.objectContaining({ type: "integer", minimum: 1, maximum: 200, default: 50 })],
    ["before_seq", expect.objectContaining({ type: "integer", minimum: 0 })],
    ["after_seq", expect.objectContaining({ type: "integer", minimum: 0 })],
    ["around_seq", expect.objectContaining({ type: "integer", minimum: 0 })],
  ]);
});

test("bodies are JSON of a named schema, and required but for mark-read's", () => {
  for (const [name, { requestBody }] of operations) {
    // Files are sent as they are.
    if (!requestBody || requestBody.content["application/octet-stream"]) continue;
    const isForm = name === "POST /hooks/{secret}";
    expect(Object.keys(requestBody.content)).toEqual([
      "application/json",
      // Some of Slack's senders send a form.
      ...(isForm ? ["application/x-www-form-urlencoded"] : []),
    ]);
    const { $ref } = requestBody.content["application/json"]?.schema ?? {};
    expect($ref).toMatch(/^#\/components\/schemas\/\w+Input$/);
    expect(requestBody.required).toBe(!name.endsWith("/mark-read"));
  }
});

test("the limits of what is sent are the ones that hold", () => {
  const limits = (schema: string) => document.components.schemas[schema]?.properties;
  expect(limits("RegisterInput")).toMatchObject({
    username: { minLength: 2, maxLength: 32, pattern: "^[A-Za-z0-9_.-]+$" },
    email: { format: "email", maxLength: 254 },
    password: { minLength: 8, maxLength: 256 },
  });
  expect(limits("CreateChatInput")).toMatchObject({ name: { maxLength: 100 } });
  expect(limits("UpdateChatInput")).toMatchObject({ name: { minLength: 1, maxLength: 100 } });
  expect(limits("SendMessageInput")).toMatchObject({
    content: { minLength: 0, maxLength: 16_000 },
    client_id: { minLength: 1, maxLength: 64 },
  });
});

test("a member of a body may be null where the server takes null, and nowhere else", () => {
  const taken: string[] = [];
  const described: string[] = [];
  for (const definition of appToDescribe().openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { method, path, request } = definition.route;
    const media = request?.body?.content["application/json"];
    const input = media && "schema" in media ? media.schema : undefined;
    if (!(input instanceof z.ZodObject)) continue;
    const name = `${method.toUpperCase()} ${path}`;
    const { $ref } = operations.get(name)?.requestBody?.content["application/json"]?.schema ?? {};
    const schema = document.components.schemas[String($ref).split("/").at(-1) ?? ""];
    const properties = z.record(z.string(), z.unknown()).parse(schema?.properties ?? {});
    for (const [member, memberSchema] of Object.entries(input.shape)) {
      const way = `${name} ${member}`;
      if (z.safeParse(memberSchema, null).success) taken.push(way);
      if (check(properties[member])(null) === undefined) described.push(way);
    }
  }
  expect(described).toEqual(taken);
  expect(taken.length).toBeGreaterThan(10);
});

/** The schemas of a document, whatever they stand under. */
function* allSchemas() {
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    yield* schemasIn(schema, name);
  }
  for (const [name, { parameters = [], requestBody, responses }] of operations) {
    for (const parameter of parameters) {
      yield* schemasIn(parameter.schema, `${name} ${parameter.name}`);
    }
    const contents = [requestBody, ...Object.values(responses)].flatMap((part) =>
      Object.values(part?.content ?? {}),
    );
    for (const { schema } of contents) yield* schemasIn(schema, name);
  }
}

test("every schema can be used, and every example and default in it is a good one", () => {
  const faults: string[] = [];
  let examples = 0;
  for (const [way, schema] of allSchemas()) {
    const schemaCheck = check(schema);
    for (const member of ["example", "default"]) {
      if (!(member in schema)) continue;
      examples += 1;
      const fault = schemaCheck(schema[member]);
      if (fault) faults.push(`${way}: ${member} ${String(schema[member])}: ${fault}`);
    }
  }
  expect(faults).toEqual([]);
  expect(examples).toBeGreaterThan(40);
});

describe("the examples of problems", () => {
  test("are problems of the catalogue, under their own status", () => {
    const seen = new Set<string>();
    for (const { responses } of operations.values()) {
      for (const [status, response] of Object.entries(responses)) {
        const media = response.content["application/problem+json"];
        for (const [code, { value }] of Object.entries(media?.examples ?? {})) {
          seen.add(code);
          expect(check(media?.schema)(value)).toBeUndefined();
          expect(value).toMatchObject({ type: `/problems/${code}`, status: Number(status) });
          expect(Object.keys(problemCatalogue)).toContain(code);
          if (code === "invalid") expect(value).toHaveProperty("errors.0.pointer");
        }
      }
    }
    expect(seen.size).toBeGreaterThan(15);
  });

  test("are there for every refusal", () => {
    for (const { responses } of operations.values()) {
      for (const { content } of Object.values(responses)) {
        const media = content["application/problem+json"];
        if (media) expect(Object.keys(media.examples ?? {})).not.toBeEmpty();
      }
    }
  });
});
