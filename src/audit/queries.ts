// The record of who did what. The table takes inserts only; see its migration.
import { z } from "zod";
import { one, type Fragment, type Sql } from "../database/connect.ts";
import type { ProblemCode } from "../wire/problems.ts";

/** Where a request came from. Both are bounded, as the tables have them. */
export interface Source {
  readonly address: string;
  readonly userAgent: string | null;
}

/** Who did something, from where. */
export interface Actor {
  readonly id: number;
  readonly username: string;
  readonly source: Source;
}

export type AuditAction =
  | "register"
  | "sign_in"
  | "refresh"
  | "sign_out"
  | "change_password"
  | "end_session"
  | "end_other_sessions"
  | "create_chat"
  | "change_chat"
  | "delete_chat"
  | "invite"
  | "leave"
  | "remove";

/** A value, or the SQL of one where only the statement knows it. */
type Known<T> = T | Fragment;

export interface AuditEvent {
  action: AuditAction;
  /** `ok`, or why it was refused. */
  outcome: Known<"ok" | ProblemCode>;
  /** Undefined while nobody has proved who they are. */
  actor: { id: Known<number>; username: Known<string> } | undefined;
  /** Kind and id. */
  target: Known<`${"user" | "chat" | "session"}:${number | string}`> | undefined;
  /** Small, and without anything secret or written by people to each other. */
  details?: Known<Record<string, number | string | string[]>>;
  source: Source;
}

function isFragment(value: object): value is Fragment {
  return value instanceof Promise;
}

/**
 * Inserts an event: in the statement of what it tells of, so that both are stored or none.
 * @param from such as `from deleted`: one event for each of its rows
 */
export function insertEvent(sql: Sql, event: AuditEvent, from: Fragment = sql``): Fragment {
  const { action, outcome, actor, target, details = {}, source } = event;
  return sql`
    insert into audit_events (action, outcome, actor_id, actor_name, target, address, user_agent, details)
    select ${action}::text, ${outcome}::text, ${actor?.id ?? null}::bigint, ${actor?.username ?? null}::text,
      ${target ?? null}::text, ${source.address}::text, ${source.userAgent}::text,
      ${isFragment(details) ? details : sql.json(details)}::jsonb
    ${from}
  `;
}

/** Deletes events that are older than `days`, `limit` at most. @returns how many */
export async function deleteOldEvents(sql: Sql, days: number, limit: number): Promise<number> {
  const row = one(
    await sql`select delete_old_audit_events(${days}::int, ${limit}::int) as removed`,
    z.object({ removed: z.int() }),
  );
  return row.removed;
}
