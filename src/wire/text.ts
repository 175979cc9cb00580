// Schemas of the texts, numbers and times that resources and frames are made of.
import { z } from "zod";

interface TextLimits {
  min: number;
  max: number;
  /** Whether white space at the ends is removed first; `too_long`: only of a text that is longer than `max`. */
  trim?: boolean | "too_long";
}

/**
 * A text of `min` to `max` characters (Unicode code points, as JSON Schema counts them). U+0000, which PostgreSQL cannot
 * store, and lone surrogates, which UTF-8 cannot carry, are refused.
 */
export function text({ min, max, trim = true }: TextLimits) {
  const isTrimmed = (value: string) => (trim === "too_long" ? isLonger(value, max) : trim);
  return z
    .string()
    .overwrite((value) => (isTrimmed(value) ? value.trim() : value))
    .refine((value) => !value.includes("\u0000"), "must not contain U+0000")
    .refine((value) => value.isWellFormed(), "must not contain lone surrogates")
    .refine((value) => isLonger(value, min - 1), `must have at least ${characters(min)}`)
    .refine((value) => !isLonger(value, max), `must have at most ${characters(max)}`)
    .meta({ minLength: min, maxLength: max });
}

function characters(count: number): string {
  return count === 1 ? "1 character" : `${count.toLocaleString("en-US")} characters`;
}

function isLonger(value: string, max: number): boolean {
  if (value.length <= max) return false;
  if (value.length > 2 * max) return true;
  let count = 0;
  for (const _ of value) count += 1;
  return count > max;
}

/** A resource's id: a positive integer that a JSON number can carry exactly. */
export const Id = z.int().positive().meta({ example: 1 });

/** A number in a room's log. The first is 1; 0 stands for the beginning of the log. */
export const Seq = z.int().nonnegative();

/** An integer in a path or a query, which arrives as text and is documented as an integer. */
export function numeric({ min, max }: { min: number; max?: number }) {
  const most = max ?? Number.MAX_SAFE_INTEGER;
  return z
    .string()
    .regex(/^\d{1,16}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(most, `must be at most ${most}`))
    .meta({ type: "integer", minimum: min, ...(max === undefined ? {} : { maximum: max }) });
}

/** The time that the documents show. */
export const exampleTime = "2026-11-22T10:15:30.123Z";

/** The earliest and the latest time that both RFC 3339 and PostgreSQL can write. */
const timeMin = "0001-01-01T00:00:00.000Z";
const timeMax = "9999-12-31T23:59:59.999Z";

/** A time of a request, in RFC 3339 with any offset. It is output in the form of {@link Time}. */
export const TimeInput = z.iso
  .datetime({
    offset: true,
    // The limits are not checked for a value that is no time.
    abort: true,
    error: "must be a time with an offset, such as 2026-11-22T10:15:30.123Z",
  })
  .refine((text) => Date.parse(text) >= Date.parse(timeMin), `must be at least ${timeMin}`)
  .refine((text) => Date.parse(text) <= Date.parse(timeMax), `must be at most ${timeMax}`)
  .transform((text) => new Date(text).toISOString())
  .meta({ format: "date-time", example: exampleTime });

/** A time in RFC 3339, in UTC, with milliseconds. */
export const Time = z.iso
  .datetime({ precision: 3 })
  .meta({ format: "date-time", example: exampleTime });
