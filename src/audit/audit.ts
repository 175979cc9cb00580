import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { Sql } from "../database/connect.ts";
import { inPages } from "../schedule.ts";
import { deleteOldEvents, insertEvent, type AuditEvent } from "./queries.ts";

const pageSize = 1_000;

interface AuditCtx {
  readonly sql: Sql;
  readonly log: Logger;
}

/**
 * Records an event that has no write of its own, such as a refusal. Never throws: the caller of a request is told its
 * outcome whether or not the event could be recorded.
 */
export async function record(ctx: AuditCtx, event: AuditEvent): Promise<void> {
  try {
    await insertEvent(ctx.sql, event);
  } catch (error) {
    const { action, outcome, target } = event;
    ctx.log.error({ err: error, action, outcome, target }, "an audit event could not be stored");
  }
}

/** Removes events that are older than AUDIT_DAYS. A recurring task calls it. */
export async function cleanUpAudit(
  ctx: AuditCtx & { readonly config: Pick<Config, "auditDays"> },
): Promise<void> {
  const { auditDays } = ctx.config;
  if (auditDays === 0) return;
  const removed = await inPages(pageSize, (limit) => deleteOldEvents(ctx.sql, auditDays, limit));
  if (removed > 0) ctx.log.debug({ removed }, "removed old audit events");
}
