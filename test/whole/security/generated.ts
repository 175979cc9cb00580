// Requests and frames by the thousand, made from the documents and against them.
import fc, { type Arbitrary } from "fast-check";
import type { Operation } from "../../docs/openapi.ts";
import { fitting, mutated, odd, oddText, type Schema, type SchemaContext } from "./from-schema.ts";

export interface GeneratedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const segments = fc.oneof(
  fc.constantFrom("0", "-1", "1.5", "1e3", "0x1", "+1", "01", "9007199254740993", "9".repeat(40)),
  fc.constantFrom(
    "%00",
    "%2e%2e",
    "%2F",
    "%5c",
    "%ff",
    "%",
    "%zz",
    "%F0%9F%98%80",
    "%EF%BC%91",
    "null",
  ),
  fc.constantFrom(
    "a b",
    "1;x=1",
    "1%201",
    "1'--",
    "{chat_id}",
    "*",
    ":id",
    "__proto__",
    "1#x",
    "x".repeat(5_000),
  ),
  fc.string({ maxLength: 8, unit: "binary" }).map(encodeURIComponent),
);

const oddHeaders: Arbitrary<Record<string, string>> = fc.oneof(
  fc.constantFrom<Record<string, string>>(
    { "content-type": "text/plain" },
    { "content-type": "application/json; charset=utf-16" },
    { "content-type": "multipart/form-data" },
    { "content-type": "" },
    { "content-encoding": "gzip" },
    { accept: "text/html" },
    { "accept-encoding": "gzip;q=0, *;q=0.5" },
    { "accept-language": "x".repeat(3_000) },
    { range: "bytes=0-1" },
    { "if-none-match": "*" },
    { "x-request-id": "x".repeat(300) },
    { "x-forwarded-for": "127.0.0.1, ' or 1=1" },
    { "x-forwarded-host": "elsewhere.example" },
    { "x-http-method-override": "DELETE" },
    { upgrade: "websocket" },
    { origin: "null" },
    { origin: "http://localhost:3000" },
    { cookie: "a=b; __proto__=1" },
    { authorization: "" },
    { authorization: "Bearer" },
    { authorization: "Bearer a.b.c" },
    { authorization: `Bearer ${"x".repeat(8_000)}` },
    { authorization: "Basic YTpi" },
  ),
  fc
    .tuple(fc.stringMatching(/^x-[a-z]{1,10}$/), fc.stringMatching(/^[ -~]{0,40}$/))
    .map(([name, value]) => ({ [name]: value })),
);

/** Mostly as it should be: what is wrong everywhere is refused at the first fault. */
const mostly = <T>(usual: Arbitrary<T>, rare: Arbitrary<T>, weight = 4) =>
  fc.oneof({ weight, arbitrary: usual }, rare);

/** @param tokenFor good ones for an operation that needs one */
export function requests(
  operations: Map<string, Operation>,
  context: SchemaContext,
  tokenFor: (name: string) => string,
): Arbitrary<GeneratedRequest> {
  // Whoever registers or signs in costs a hash, a chat that is gone cannot be asked for more, and lists grow long.
  const isRare = (name: string) =>
    /register|login|password|leave|^DELETE|^POST \/api\/chats$/.test(name);
  const weightOf = (name: string) => (isRare(name) ? 1 : 16);
  const each = Array.from(operations, ([name, operation]) => ({
    weight: weightOf(name),
    arbitrary: requestOf(name, operation, context, tokenFor(name)),
  }));
  return fc.oneof(...each);
}

function requestOf(
  name: string,
  operation: Operation,
  context: SchemaContext,
  token: string,
): Arbitrary<GeneratedRequest> {
  const [method = "", template = ""] = name.split(" ");
  const parameters = operation.parameters ?? [];
  const inPath = parameters
    .filter((parameter) => parameter.in === "path")
    .map((parameter) => {
      const usual = context.known[parameter.name] ?? fitting(parameter.schema, context);
      return [parameter.name, mostly(usual.map(String), segments, 8)] as const;
    });
  const inQuery = parameters
    .filter((parameter) => parameter.in === "query")
    .map(
      (parameter) =>
        [
          parameter.name,
          mostly(fitting(parameter.schema, context).map(String), odd.map(textOf)),
        ] as const,
    );
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const fits = schema ? fitting(schema, context) : fc.constant(undefined);
  const faulty = mutated(schema ? fits : odd);
  const body = fc.oneof(
    { weight: 6, arbitrary: fits.map(written) },
    { weight: schema ? 6 : 1, arbitrary: faulty.map(written) },
    { weight: 1, arbitrary: oddText },
  );
  return fc
    .record({
      method: mostly(
        fc.constant(method),
        fc.constantFrom("PUT", "HEAD", "OPTIONS", "DELETE", "GET", "PATCH"),
        30,
      ),
      ids: fc.record(Object.fromEntries(inPath)),
      tail: mostly(
        fc.constant(""),
        fc.constantFrom("/", "//", "/x", "/%2e%2e", "?", "?x=1&x=2", "?%00=%00", "?=&&"),
        15,
      ),
      query: fc.record(Object.fromEntries(inQuery), { requiredKeys: [] }),
      signed: mostly(fc.constant(true), fc.constant(false), 12),
      more: mostly(fc.constant({}), oddHeaders, 5),
      body,
    })
    .map(({ method, ids, tail, query, signed, more, body }) => {
      const path = template.replaceAll(/\{(\w+)\}/g, (_, id: string) => String(Object(ids)[id]));
      const search = new URLSearchParams(wellFormed(query)).toString();
      const bodiless = method === "GET" || method === "HEAD" || body === undefined;
      return {
        method,
        path: path + (search === "" ? tail : `?${search}`),
        headers: {
          ...(bodiless ? {} : { "content-type": "application/json" }),
          ...(signed ? { authorization: `Bearer ${token}` } : {}),
          ...more,
        },
        body: bodiless ? undefined : body,
      };
    });
}

/** No longer than Bun reads a request's head: past that it answers 431 by itself, without a body. */
const textOf = (value: unknown) =>
  (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 3_000);
const written = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value));

function wellFormed(query: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, String(value).toWellFormed()]),
  );
}

/** Texts of frames: good ones, faulty ones, and what is none. */
export function frameTexts(schemas: Schema[], context: SchemaContext): Arbitrary<string> {
  const fits = fc.oneof(...schemas.map((schema) => fitting(schema, context)));
  return fc.oneof(
    { weight: 6, arbitrary: fits.map((frame) => JSON.stringify(frame)) },
    { weight: 6, arbitrary: mutated(fits).map((frame) => JSON.stringify(frame)) },
    { weight: 1, arbitrary: oddText },
  );
}
