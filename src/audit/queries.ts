// The audit trail. Its table accepts inserts only; see its migration.
import { z } from "zod";
import { one, type Fragment, type Sql } from "../database/connect.ts";
import type { ReturnError } from "../wire/identities.ts";
import type { ProblemCode } from "../wire/problems.ts";

/** The origin of a request. Both members are as short as their columns require. */
export interface Source {
  readonly address: string;
  readonly userAgent: string | null;
}

/** The person who acts, and the origin of their request. */
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
  | "reset_password"
  | "request_email"
  | "verify_email"
  | "change_profile"
  | "enable_totp"
  | "disable_totp"
  | "link_identity"
  | "unlink_identity"
  | "create_key"
  | "revoke_key"
  | "create_webhook"
  | "change_webhook"
  | "rotate_webhook_secret"
  | "delete_webhook"
  | "create_bot"
  | "delete_bot"
  | "create_hook"
  | "revoke_hook"
  | "block"
  | "unblock"
  | "end_session"
  | "end_other_sessions"
  | "create_chat"
  | "change_chat"
  | "delete_chat"
  | "delete_message"
  | "upload_file"
  | "delete_account"
  | "export_account"
  | "export_chat"
  | "change_role"
  | "report_message"
  | "resolve_report"
  | "invite"
  | "leave"
  | "remove";

/** A value, or an SQL expression where only the statement knows it. */
type Known<T> = T | Fragment;

export interface AuditEvent {
  action: AuditAction;
  /** `ok`, or the code of the problem, or the error with which a browser has returned from a provider. */
  outcome: Known<"ok" | ProblemCode | ReturnError>;
  /** Undefined while nobody is authenticated. */
  actor: { id: Known<number>; username: Known<string> } | undefined;
  /** Kind and id of the object. */
  target:
    Known<`${"user" | "chat" | "session" | "key" | "webhook"}:${number | string}`> | undefined;
  /** Small, without secrets and without text of messages. */
  details?: Known<Record<string, number | string | string[]>>;
  source: Source;
}

function isFragment(value: object): value is Fragment {
  return value instanceof Promise;
}

/**
 * The SQL that inserts an event. It is part of the statement that makes the change, so that both are stored or neither.
 * @param from a clause such as `from deleted`: it inserts one event for each of its rows
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
