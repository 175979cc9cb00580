// The documents that the code makes, and every answer and every frame of every test held against them: an answer where
// `fetch` returns it, a frame where a test's socket reads it.
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { createApp } from "../../src/app.ts";
import { readConfig } from "../../src/config/config.ts";
import { compose } from "../../src/compose.ts";
import { connect } from "../../src/database/connect.ts";
import { openApi } from "../../src/docs/documents.ts";
import { asyncApi, closeCodeTable } from "../../src/wire/docs/asyncapi.ts";
import { Document, operationsOf } from "../docs/openapi.ts";
import { checkerOf } from "./json-schema.ts";
import { noteSeen } from "./seen.ts";

/** Routes that are served but not in the OpenAPI document: pages, their files, the documents, and the socket. */
export const undescribed = [
  "GET /",
  "GET /docs",
  "GET /docs/socket",
  "GET /page/{file}",
  "GET /docs/assets/{file}",
  "GET /favicon.ico",
  "GET /service-worker.js",
  "GET /manifest.webmanifest",
  "GET /icons/{file}",
  "GET /openapi.json",
  "GET /asyncapi.json",
  "GET /ws",
];

/** Served where METRICS_TOKEN is set, for machines only. */
const metricsPath = "GET /metrics";

/** Problem codes with which a request to any path may be refused. */
const refusedByEdge = [
  "not_found",
  "method_not_allowed",
  "not_json",
  "too_large",
  "unsupported_media_type",
  "rate_limited",
];

/** Headers that belong to HTTP or to a page's permissions, not to the API. */
const infrastructure =
  /^(cache-control|content-(type|length|encoding|security-policy)|date|vary|connection|access-control-[a-z-]+|transfer-encoding|cross-origin-[a-z-]+|referrer-policy|x-content-type-options|x-frame-options|strict-transport-security)$/;

/** An app that serves nobody. */
export function appToDescribe() {
  const config = readConfig({ NODE_ENV: "test" });
  const log = pino({ level: "silent" });
  // A pool connects when it is first asked.
  const sql = connect(parseDatabaseUrl("postgres://nobody@127.0.0.1:1/none"), log);
  const model = { answer: undefined, description: "none" };
  return createApp(compose({ config: { ...config, secretKey: "none" }, sql, log, model }));
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** test/docs/ holds the documents against the meta-schema of JSON Schema. */
const trusted = { closed: true, trusted: true };

/** The setting by which `bun run check` tells its workers the file of the OpenAPI document, which takes long to make. */
export const openApiSetting = "TEST_OPENAPI";

/** The OpenAPI document. */
export const describedHttp = lazily(() => {
  const file = process.env[openApiSetting];
  const made = file ? JSON.parse(readFileSync(file, "utf8")) : openApi(appToDescribe(), "0.0.0");
  return Document.parse(made);
});

const documentedHttp = lazily(() => {
  const document = describedHttp();
  const routes = [...operationsOf(document)].map(([name, operation]) => ({
    name,
    pattern: patternOf(name),
    operation,
  }));
  const pages = [...undescribed, metricsPath].map(patternOf);
  return { routes, pages, check: checkerOf(document.components.schemas, trusted) };
});

function isRefusedByEdge(problem: string): boolean {
  return refusedByEdge.includes(JSON.parse(problem).type.split("/").at(-1));
}

function patternOf(name: string): RegExp {
  return new RegExp(`^${name.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}/?$`);
}

/** @throws when an answer is not as the OpenAPI document says */
export async function expectDescribed(
  method: string,
  path: string,
  response: Response,
): Promise<void> {
  // A browser's question about another origin, which is for HTTP to answer.
  if (method === "OPTIONS") return;
  const name = `${method === "HEAD" ? "GET" : method} ${path}`;
  const { routes, pages, check } = documentedHttp();
  // A slash at the end makes another path of all that the FastAPI server did not have.
  const isOtherPath = path.endsWith("/") && [404, 405].includes(response.status);
  const route = isOtherPath ? undefined : routes.find(({ pattern }) => pattern.test(name));
  const text = method === "HEAD" ? undefined : await response.clone().text();
  const fail = (what: string) => {
    throw new Error(`${name} ${response.status} is not as /openapi.json says: ${what}\n${text}`);
  };
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  if (!route) {
    if (pages.some((pattern) => pattern.test(name))) return;
    if (text !== undefined && !isRefusedByEdge(text)) fail("there is no such operation");
    return;
  }
  const described = route.operation.responses[response.status];
  if (!described) {
    // A body where none is taken.
    if (!route.operation.requestBody && text !== undefined && isRefusedByEdge(text)) return;
    return fail("the status is not described");
  }
  const media = described.content[type] ?? described.content["*/*"];
  const isEmpty = type === "" && Object.keys(described.content).length === 0;
  if (!media && !isEmpty) return fail(`${type} is not described`);
  for (const [header] of response.headers) {
    if (infrastructure.test(header)) continue;
    const isDescribed = Object.keys(described.headers ?? {}).some(
      (each) => each.toLowerCase() === header,
    );
    if (!isDescribed) fail(`the header ${header} is not described`);
  }
  const fault =
    text === undefined || !media || media.schema.format === "binary"
      ? undefined
      : check(media.schema)(/\bjson$/.test(type) ? JSON.parse(text) : text);
  if (fault) fail(fault);
  noteSeen("operation", route.name);
}

/** From now on a test that is answered otherwise than the document says fails. Called once, by the preload. */
export function watchAnswers(): void {
  const { fetch } = globalThis;
  async function watched(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const response = await fetch(input, init);
    // Ours are the servers that give every answer an id: test/http/headers.test.ts.
    if (response.headers.has("x-request-id")) {
      const method = init?.method ?? (input instanceof Request ? input.method : "GET");
      await expectDescribed(method.toUpperCase(), new URL(response.url).pathname, response);
    }
    return response;
  }
  globalThis.fetch = Object.assign(watched, { preconnect: fetch.preconnect });
}

const documentedFrames = lazily(() => {
  const document = asyncApi("0.0.0");
  const check = checkerOf(document.components.schemas, trusted);
  const frames = Object.entries(document.components.messages).map(([key, message]) => ({
    key,
    type: message.name,
    // Most tests receive few of the frames.
    check: lazily(() => check(message.payload)),
  }));
  return Map.groupBy(frames, ({ key, type }) => `${key.slice(0, 6)} ${type}`);
});

/** @throws when a frame of the server is not exactly one of those in the AsyncAPI document */
export function expectFrame(frame: { type: string; [member: string]: unknown }): void {
  const results = (documentedFrames().get(`Server ${frame.type}`) ?? []).map(({ key, check }) => ({
    key,
    fault: check()(frame),
  }));
  const [fitting, another] = results.filter(({ fault }) => fault === undefined);
  if (!fitting || another) {
    const [what, why] = [frame, results].map((each) => JSON.stringify(each));
    throw new Error(`a frame is not one of /asyncapi.json: ${what}: ${why}`);
  }
  noteSeen("frame", fitting.key);
}

/** Takes note of a frame that a test sends. It need not be a good one. */
export function noteSent(frame: object): void {
  const type = "type" in frame ? String(frame.type) : "";
  for (const { key, check } of documentedFrames().get(`Client ${type}`) ?? []) {
    if (check()(frame) === undefined) noteSeen("frame", key);
  }
}

/** Known by their code alone: the peer's own wish, and what Bun closes by itself. */
const wordless = ["bye", "protocol_error", "not_utf8", "too_large"];

/** @throws when a close frame is not one of those in the AsyncAPI document */
export function expectClose(code: number, reason: string): void {
  // RFC 6455 §7.4.1: no close frame, or one without a code.
  if (code === 1005 || code === 1006) return;
  const word = reason.split(":")[0] ?? "";
  const known = closeCodeTable().find(
    (each) => each.code === code && (each.reason === word || wordless.includes(each.reason)),
  );
  if (!known) throw new Error(`closed with ${code} ${reason}, which /asyncapi.json doesn't have`);
  noteSeen("close", known.reason);
}
