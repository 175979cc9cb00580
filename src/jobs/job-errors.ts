// The errors of jobs: whether a job can be tried again, and a note of them that can be stored.
import { databaseError } from "../database/connect.ts";
import { JobLater, JobRefused, type JobKind } from "./jobs.ts";

/** Whether no further try can succeed: the job is refused, or its payload is not one of this version. */
export function isFinal(error: unknown): boolean {
  return error instanceof JobRefused || (error instanceof Error && error.name === "ZodError");
}

/** Milliseconds until the next try of a job; undefined if there is none. */
export function waitMsOf(
  { retryMs }: Pick<JobKind<unknown>, "retryMs">,
  attempts: number,
  error: unknown,
): number | undefined {
  const waitMs = retryMs[attempts - 1];
  if (waitMs === undefined || isFinal(error)) return undefined;
  return error instanceof JobLater ? error.afterMs : waitMs;
}

/** The name and code of an error. Its message may have an address or a text of a person. */
export function noteOf(error: unknown): string {
  if (error instanceof JobRefused) return error.message.slice(0, 200);
  const code = databaseError(error)?.code;
  const name = error instanceof Error ? error.name : "unknown";
  return (code === undefined ? name : `${name} ${code}`).slice(0, 200);
}
