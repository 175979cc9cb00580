// Validation messages in plain English: clients show a problem's `detail` to people as it is.
import type { z } from "zod";

const kinds: Record<string, string> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

/** Rewords zod's own messages, which begin with a capital letter. A message that a schema gives begins with a small one and stays. */
export function plainWords(issue: z.core.$ZodIssue): string {
  if (!/^[A-Z]/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      if (issue.message.endsWith("received undefined")) return "is missing";
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "too_small":
      return bound(
        issue.origin,
        issue.inclusive === false ? "more than" : "at least",
        issue.minimum,
      );
    case "too_big":
      return bound(
        issue.origin,
        issue.inclusive === false ? "less than" : "at most",
        issue.maximum,
      );
    case "invalid_value":
      return oneOf(issue.values);
    case "invalid_union":
      return "options" in issue && Array.isArray(issue.options)
        ? oneOf(issue.options)
        : "is not valid";
    default:
      return "is not valid";
  }
}

/** The words for a parameter of a query string, which is an array if its name stands there several times. */
export function queryWords(issue: z.core.$ZodIssue): string {
  const isRepeated = issue.code === "invalid_type" && issue.message.endsWith("received array");
  return isRepeated ? "must be given once" : plainWords(issue);
}

function bound(origin: string, comparison: string, limit: number | bigint): string {
  const amount = `${comparison} ${limit.toLocaleString("en-US")}`;
  if (origin === "array") return `must have ${amount} items`;
  if (origin === "string") return `must have ${amount} character${Number(limit) === 1 ? "" : "s"}`;
  return `must be ${amount}`;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(", ")}`;
}
