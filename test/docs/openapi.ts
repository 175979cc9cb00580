// The OpenAPI document as tests read it.
import { z } from "zod";

const Json = z.record(z.string(), z.unknown());

const Media = z.object({
  schema: Json,
  example: z.unknown().optional(),
  examples: z.record(z.string(), z.object({ value: z.unknown() })).optional(),
});
const Content = z.record(z.string(), Media);

const Parameter = z.object({
  name: z.string(),
  in: z.enum(["path", "query", "header", "cookie"]),
  required: z.boolean().optional(),
  schema: Json,
});

const Header = z.object({ description: z.string(), schema: Json });
const HeaderReference = z.object({
  $ref: z.templateLiteral([
    "#/components/headers/",
    z.enum(["X-Request-Id", "RateLimit", "RateLimit-Policy"]),
  ]),
});

const Operation = z.object({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
  summary: z.string().min(5),
  description: z.string().optional(),
  tags: z.array(z.string()).length(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(Parameter).optional(),
  requestBody: z.object({ required: z.boolean().optional(), content: Content }).optional(),
  responses: z.record(
    z.string().regex(/^[1-5]\d\d$/),
    z.object({
      description: z.string().min(3),
      headers: z.record(z.string(), z.union([Header, HeaderReference])),
      content: Content,
    }),
  ),
});
export type Operation = z.infer<typeof Operation>;

/** OpenAPI 3.1, as far as this server's document goes. Strict, so that a misspelt member is none. */
export const Document = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.object({ title: z.string().min(1), version: z.string().min(1) }),
  servers: z.array(z.object({ url: z.string() })),
  security: z.array(z.never()),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(
    z.string().regex(/^\/([\w.-]+|\{\w+\})(\/([\w.-]+|\{\w+\}))*$/),
    z.partialRecord(z.enum(["get", "post", "put", "patch", "delete"]), Operation.strict()),
  ),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[A-Z]\w+$/), Json),
    securitySchemes: z.record(z.string(), Json),
    headers: z.strictObject({
      "X-Request-Id": Header,
      RateLimit: Header,
      "RateLimit-Policy": Header,
    }),
    parameters: z.strictObject({}).optional(),
  }),
  webhooks: z.strictObject({}).optional(),
});
export type Document = z.infer<typeof Document>;

/** `GET /api/chats` → its operation. */
export function operationsOf(document: Document): Map<string, Operation> {
  return new Map(
    Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    ),
  );
}

/** Every schema in the document, with the way to it. */
export function* schemasIn(
  value: unknown,
  way: string,
): Generator<[string, Record<string, unknown>]> {
  const schema = Json.safeParse(value);
  if (!schema.success) return;
  yield [way, schema.data];
  const { properties, items, anyOf, oneOf, allOf } = schema.data;
  for (const [name, property] of Object.entries(properties ?? {})) {
    yield* schemasIn(property, `${way}.${name}`);
  }
  yield* schemasIn(items, `${way}[]`);
  for (const branch of [anyOf, oneOf, allOf]) {
    if (!Array.isArray(branch)) continue;
    for (const [n, part] of branch.entries()) yield* schemasIn(part, `${way}|${n}`);
  }
}
