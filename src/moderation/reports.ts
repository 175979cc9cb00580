// Participants report messages to the chat's owner and moderators, who resolve the reports.
import type { Caller } from "../accounts/access-tokens.ts";
import { record } from "../audit/audit.ts";
import { chatNotFound } from "../chats/actions.ts";
import { messageNotFound } from "../chats/get-message.ts";
import type { Ctx } from "../context.ts";
import type { Report, ReportPage, ReportsQuery } from "../wire/moderation.ts";
import { Problem } from "../wire/problems.ts";
import { findReport, findReports, insertReport, updateResolved } from "./report-queries.ts";

/**
 * Reports a message. A repeated report of a message returns the first one as long as that is open.
 * @throws Problem `not_found`, `message_deleted`, `forbidden` for a message of the caller's own
 */
export async function reportMessage(
  ctx: Ctx,
  caller: Caller,
  ids: { chatId: number; messageId: number },
  reason: string,
): Promise<Report> {
  const result = await insertReport(ctx.sql, caller, ids, reason);
  if (!result) throw await messageNotFound(ctx, caller, ids.chatId);
  if (result.outcome === "deleted") {
    throw new Problem("message_deleted", "This message was deleted.");
  }
  if (result.outcome === "own") {
    throw new Problem("forbidden", "You cannot report a message of your own. Delete it instead.");
  }
  const { messageId } = ids;
  const { report_id: id } = result;
  const sought = id === null ? { messageId, openOf: caller.id } : { id };
  const report = await findReport(ctx.sql, sought);
  // It was resolved, or the chat was deleted, at the same time.
  if (!report) throw await messageNotFound(ctx, caller, ids.chatId);
  if (id !== null) tellModerators(ctx, report, result);
  if (id !== null && report.handled_by === "operators") {
    ctx.log.warn(
      { reportId: id, chatId: ids.chatId },
      "a report has reached nobody in its chat, whose owner wrote the message; `bun run db:reports` shows it",
    );
  }
  return report;
}

/** @throws Problem `not_found`, `forbidden` for people who do not moderate the chat */
export async function listReports(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  query: ReportsQuery,
): Promise<ReportPage> {
  // One more than the page has: it tells whether there is another page.
  const found = await findReports(ctx.sql, caller.id, chatId, { ...query, limit: query.limit + 1 });
  if (!found) throw chatNotFound();
  if (found === "forbidden") throw moderatorsOnly("see reports");
  const items = found.slice(0, query.limit);
  const last = items.at(-1);
  return { items, next_cursor: found.length > items.length && last ? String(last.id) : null };
}

/**
 * Resolves a report. Resolving it once more is a success that changes nothing.
 * @throws Problem `not_found`, `forbidden` for people who do not moderate the chat
 */
export async function resolveReport(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  reportId: number,
): Promise<Report> {
  const result = await updateResolved(ctx.sql, caller, chatId, reportId);
  if (!result) throw chatNotFound();
  if (!result.may_moderate) {
    await record(ctx, {
      action: "resolve_report",
      outcome: "forbidden",
      actor: caller,
      target: `chat:${chatId}`,
      source: caller.source,
    });
    throw moderatorsOnly("resolve reports");
  }
  const { report_id: id } = result;
  const report = id === null ? undefined : await findReport(ctx.sql, { id });
  if (!report) throw new Problem("not_found", "There is no such report in this chat.");
  if (result.is_new) tellModerators(ctx, report, result);
  return report;
}

/** The author of the message is not notified, whatever their role. */
function tellModerators(
  ctx: Ctx,
  report: Report,
  {
    moderator_ids,
    author_id,
    last_seq,
  }: { moderator_ids: number[]; author_id: number | null; last_seq: number },
): void {
  const frame = { type: "report", chat_id: report.chat_id, report } as const;
  // A moderator who is removed after this number receives nothing.
  const change = { chatId: report.chat_id, seq: last_seq };
  for (const userId of moderator_ids) {
    if (userId !== author_id) ctx.realtime.toUser(userId, frame, change);
  }
}

function moderatorsOnly(deed: string): Problem {
  return new Problem("forbidden", `Only the chat's owner and its moderators may ${deed}.`);
}
