// Reports that nobody in their chat can resolve: they are left to the operators of the server, who have a command for them.
import { z } from "zod";
import { insertEvent, type Source } from "../audit/queries.ts";
import { many, maybe, type Sql } from "../database/connect.ts";
import { Report } from "../wire/moderation.ts";
import { hasModerator, reportColumns } from "./report-queries.ts";

/** Finds the open ones, the oldest first. */
export async function findReportsForOperators(sql: Sql, limit: number): Promise<Report[]> {
  return many(
    await sql`
      select ${reportColumns(sql)}
      from (
        -- "offset 0": the planner must not look through all reports in the order of their ids.
        select id, chat_id, message_id, user_id, reason, created_at, resolved_at, resolved_by
        from message_reports where resolved_at is null offset 0
      ) r
      where not ${hasModerator(sql)}
      order by r.id
      limit ${limit}
    `,
    Report,
  );
}

/**
 * Resolves one of them.
 * @returns false if there is no such open report, or people of its chat can resolve it
 */
export async function resolveReportForOperators(
  sql: Sql,
  reportId: number,
  source: Source,
): Promise<boolean> {
  const row = maybe(
    await sql`
      with resolved as (
        update message_reports r set resolved_at = now()
        where r.id = ${reportId} and r.resolved_at is null and not ${hasModerator(sql)}
        returning r.id, r.chat_id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "resolve_report",
          outcome: "ok",
          actor: undefined,
          target: sql`'chat:' || chat_id`,
          details: sql`jsonb_build_object('report_id', id)`,
          source,
        },
        sql`from resolved`,
      )})
      select id from resolved
    `,
    z.object({ id: z.int() }),
  );
  return row !== undefined;
}
