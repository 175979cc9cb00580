import type { Ctx } from "../context.ts";
import { deleteOldEvents, insertEvent, type AuditEvent } from "./queries.ts";

const pageSize = 1_000;
/** Of one turn: a long backlog is no long statement, and no long turn either. */
const pagesMax = 50;

/**
 * Records what has no write of its own that could take it along, such as a refusal. Never throws: who asked for something
 * hears what came of it, whether or not that could be recorded.
 */
export async function record(ctx: Ctx, event: AuditEvent): Promise<void> {
  try {
    await insertEvent(ctx.sql, event);
  } catch (error) {
    const { action, outcome, target } = event;
    ctx.log.error({ err: error, action, outcome, target }, "an event is missing in the audit");
  }
}

/** Removes events that are older than the settings say. Called now and then. */
export async function cleanUpAudit(ctx: Ctx): Promise<void> {
  const { auditDays } = ctx.config;
  if (auditDays === 0) return;
  let removed = 0;
  for (let page = 0; page < pagesMax; page += 1) {
    const count = await deleteOldEvents(ctx.sql, auditDays, pageSize);
    removed += count;
    if (count < pageSize) break;
  }
  if (removed > 0) ctx.log.debug({ removed }, "removed old events from the audit");
}
