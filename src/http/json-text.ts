import type { Context, TypedResponse } from "hono";

/**
 * Answers 200 with a text that is JSON already.
 * @template T the type of the value in it. Only the route's schema says so: the contract tests compare the two.
 */
export function jsonText<T>(c: Context, json: string): Response & TypedResponse<T, 200, "json"> {
  const response: Response = c.body(json, 200, { "Content-Type": "application/json" });
  return response as Response & TypedResponse<T, 200, "json">;
}
