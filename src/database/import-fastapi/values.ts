// The values of a source's columns: SQLite has them in any type, and from PostgreSQL they are read as text.

/** Leaves enough ids above the largest one. */
const idMax = 2 ** 52;
const dayMs = 24 * 3_600_000;

/** A positive id; undefined for anything else. */
export function toId(value: unknown): number | undefined {
  const text = toText(value)?.trim() ?? "";
  const id = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  return id > 0 && id <= idMax ? id : undefined;
}

/** A text, also of a number; undefined for NULL, bytes and all else. */
export function toText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}

/** A truth value as either engine has it; undefined for NULL and all else. */
export function toFlag(value: unknown): boolean | undefined {
  const text = String(value).toLowerCase();
  if (["true", "t", "1"].includes(text)) return true;
  return ["false", "f", "0"].includes(text) ? false : undefined;
}

const timePattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * A time for PostgreSQL. One without a zone counts as UTC. Times before 1970 and those of more than a day from now are
 * impossible.
 * @returns undefined for what is no possible time
 */
export function toTime(value: unknown, now: Date): string | undefined {
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = "Z"] =
    timePattern.exec(toText(value) ?? "") ?? [];
  if (year === undefined) return undefined;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const date = new Date(`${local}Z`);
  // 30 February is read as a day of March.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 19) !== local) return undefined;
  const [, sign = "+", hours = "00", minutes = "00"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (Number(hours) > 15 || Number(minutes) > 59) return undefined;
  const ms = date.getTime() - Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  if (ms < 0 || ms > now.getTime() + dayMs) return undefined;
  return `${local}${fraction}${sign}${hours}:${minutes}`;
}

/** A text as PostgreSQL can store it: without U+0000, and with lone surrogates replaced. */
export function storable(text: string): string {
  return text.replaceAll("\u0000", "").toWellFormed();
}

/** A value for a list that a person reads, with its control characters escaped, cut if it is long. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (value instanceof Uint8Array) return "bytes";
  const text = String(value);
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
