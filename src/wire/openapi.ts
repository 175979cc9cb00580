// Parts of the OpenAPI descriptions that routes share.
import type { z } from "zod";
import { ProblemBody, problemCatalogue, type ProblemCode } from "./problems.ts";

/** A JSON response. */
export function answers<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON request body. It is required, because @hono/zod-openapi skips the validation of an optional body by Content-Type. */
export function takes<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } };
}

const headersOf: Partial<Record<number, Record<string, { description: string; schema: object }>>> =
  {
    401: { "WWW-Authenticate": { description: "`Bearer`", schema: { type: "string" } } },
    429: { "Retry-After": { description: "Seconds", schema: { type: "integer" } } },
    503: { "Retry-After": { description: "Seconds", schema: { type: "integer" } } },
  };

/** The problem responses of a route, by status. `rate_limited`, `internal` and `unavailable` are always included. */
export function refuses(...codes: ProblemCode[]) {
  const byStatus = Map.groupBy(
    [...codes, "rate_limited", "internal", "unavailable"] satisfies ProblemCode[],
    (code) => problemCatalogue[code].status,
  );
  return Object.fromEntries(
    Array.from(byStatus, ([status, sameStatus]) => [
      status,
      {
        description: sameStatus
          .map((code) => `${problemCatalogue[code].title} (\`${code}\`)`)
          .join(", "),
        ...(headersOf[status] ? { headers: headersOf[status] } : {}),
        content: {
          "application/problem+json": {
            schema: ProblemBody,
            examples: Object.fromEntries(
              sameStatus.map((code) => [code, { value: problemExample(code) }]),
            ),
          },
        },
      },
    ]),
  );
}

/** A problem as an example of the documents. */
export function problemExample(code: ProblemCode) {
  const { title, status } = problemCatalogue[code];
  return {
    type: `/problems/${code}`,
    title,
    status,
    detail: `${title}.`,
    instance: "/api/chats/1",
    ...(code === "invalid" ? { errors: [{ pointer: "/name", detail: "is not valid" }] } : {}),
  };
}

/** The security requirement of routes that need `Authorization: Bearer`. */
export const bearer: { bearer: string[] }[] = [{ bearer: [] }];
