// Checks the members that every refusal over HTTP has, so that a test names only its own.
import { expect } from "bun:test";
import type { Answer } from "../world/world.ts";

const members = ["type", "title", "status", "detail", "instance"];

/** The answer is this problem, wholly as the contract has it. */
export function expectProblem(answer: Answer, status: number, code: string) {
  expect({ status: answer.status, type: answer.body.type }).toEqual({
    status,
    type: `/problems/${code}`,
  });
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("x-request-id")).toBeTruthy();
  expect(Object.keys(answer.body)).toEqual(code === "invalid" ? [...members, "errors"] : members);
  expect(answer.body.status).toBe(status);
  for (const member of ["title", "detail"]) {
    expect(answer.body[member]).toBeString();
    expect(answer.body[member]).not.toBeEmpty();
  }
  expect(answer.body.instance).toStartWith("/");
  expect(answer.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
}

/** The answer is 422, and blames just these members. */
export function expectInvalid(answer: Answer, ...pointers: string[]) {
  expectProblem(answer, 422, "invalid");
  const errors: { pointer: string; detail: string }[] = answer.body.errors;
  expect(answer.body.detail).toContain(errors[0]?.detail);
  expect([...new Set(errors.map((error) => error.pointer))]).toEqual(pointers);
  for (const error of errors) {
    expect(Object.keys(error)).toEqual(["pointer", "detail"]);
    expect(error.detail).not.toBeEmpty();
    // In words for people, not for programmers.
    expect(error.detail).not.toMatch(/expected|received|pattern|undefined|NaN|\bint\b/);
  }
}

/** RFC 3339, UTC, milliseconds. */
export const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
