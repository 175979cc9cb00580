// Reports of messages. Only the owner and the moderators of a chat find them, and nobody finds those about messages of their own.
import { z } from "zod";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { lockedChat } from "../chats/column-queries.ts";
import { many, maybe, type Fragment, type Sql } from "../database/connect.ts";
import { wireTime } from "../database/wire-json.ts";
import { wireMembers } from "../log/messages.ts";
import { Report, type ReportsQuery } from "../wire/moderation.ts";

/**
 * Whether somebody in the chat may resolve a report: the owner or a moderator who has not written the message.
 * From `message_reports r`.
 */
export const hasModerator = (sql: Sql) => sql`
  exists (
    select from chats c join messages about on about.id = r.message_id
    where c.id = r.chat_id and (
      c.owner_id is distinct from about.user_id
      or exists (
        select from chat_participants p
        where p.chat_id = c.id and p.role = 'moderator' and p.user_id is distinct from about.user_id
      )
    )
  )
`;

/** The members of a Report, from `message_reports r`. */
export const reportColumns = (sql: Sql) => sql`
  r.id, r.chat_id,
  (
    select row_to_json(wire)
    from (
      select ${sql.unsafe(wireMembers)}
      from messages m
      left join users u on u.id = m.user_id
      where m.chat_id = r.chat_id and m.id = r.message_id
    ) wire
  ) as message,
  (select json_build_object('user_id', id, 'username', username) from users where id = r.user_id) as reporter,
  r.reason, case when r.resolved_at is null then 'open' else 'resolved' end as status,
  case when ${hasModerator(sql)} then 'moderators' else 'operators' end as handled_by,
  ${sql.unsafe(wireTime("r.created_at"))} as created_at, ${sql.unsafe(wireTime("r.resolved_at"))} as resolved_at,
  (select json_build_object('user_id', id, 'username', username) from users where id = r.resolved_by) as resolved_by
`;

/** The ids of a chat's owner and moderators but for the author of a message. A removal that is under way is waited for. */
const moderatorIds = (sql: Sql) => sql`
  select p.user_id
  from locked
  -- They are named by an array, so that not all people of the chat are read. A role that changes meanwhile is read again.
  join chat_participants p on p.chat_id = locked.id and p.user_id = any (
    locked.owner_id || array(select user_id from chat_participants where chat_id = locked.id and role = 'moderator')
  )
  where p.user_id = locked.owner_id or p.role = 'moderator'
  for share of p
`;

const ReportedMessage = z.object({
  outcome: z.enum(["reported", "deleted", "own"]),
  report_id: z.int().nullable(),
  last_seq: z.int(),
  author_id: z.int().nullable(),
  moderator_ids: z.array(z.int()),
});

/**
 * Stores a report, unless the caller has an open one of the message.
 * @returns undefined for a chat that the caller is not in, and for an unknown message. `report_id` is null if nothing was stored.
 */
export async function insertReport(
  sql: Sql,
  caller: Actor,
  { chatId, messageId }: { chatId: number; messageId: number },
  reason: string,
): Promise<z.infer<typeof ReportedMessage> | undefined> {
  return maybe(
    await sql`
      with locked as materialized (${lockedChat(sql, caller.id, chatId)}),
      target as materialized (
        select m.id, m.chat_id, m.user_id, m.deleted_at
        from locked join messages m on m.chat_id = locked.id and m.id = ${messageId}
        for key share of m
      ),
      verdict as materialized (
        select id, chat_id, user_id, case
            when deleted_at is not null then 'deleted'
            when user_id = ${caller.id} then 'own'
            else 'reported'
          end as outcome
        from target
      ),
      moderators as materialized (${moderatorIds(sql)}),
      inserted as (
        insert into message_reports (chat_id, message_id, user_id, reason)
        select chat_id, id, ${caller.id}, ${reason} from verdict where outcome = 'reported'
        on conflict (message_id, user_id) where resolved_at is null do nothing
        returning id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "report_message",
          outcome: "ok",
          actor: caller,
          target: `chat:${chatId}`,
          details: sql`jsonb_build_object('message_id', ${messageId}::bigint, 'report_id', id)`,
          source: caller.source,
        },
        sql`from inserted`,
      )})
      select verdict.outcome, verdict.user_id as author_id, locked.last_seq,
        (select id from inserted) as report_id, array(select user_id from moderators) as moderator_ids
      from locked, verdict
    `,
    ReportedMessage,
  );
}

/** Finds a report. With `openOf` it is that person's open report of a message. */
export async function findReport(
  sql: Sql,
  sought: { id: number } | { messageId: number; openOf: number },
): Promise<Report | undefined> {
  const condition =
    "id" in sought
      ? sql`r.id = ${sought.id}`
      : sql`r.message_id = ${sought.messageId} and r.user_id = ${sought.openOf} and r.resolved_at is null`;
  return maybe(
    await sql`select ${reportColumns(sql)} from message_reports r where ${condition}`,
    Report,
  );
}

/** Without a parameter, so that a plan for all parameters knows the index of open reports. */
function isWithStatus(sql: Sql, status: ReportsQuery["status"]): Fragment {
  if (status === undefined) return sql``;
  return status === "open" ? sql`and r.resolved_at is null` : sql`and r.resolved_at is not null`;
}

const ListedReport = z.union([
  z.object({ may_moderate: z.boolean(), ...Report.shape }),
  z.object({ may_moderate: z.boolean(), id: z.null() }),
]);

/**
 * Finds the reports of a chat, the newest first.
 * @returns undefined for a chat that the caller is not in; `forbidden` for one that they do not moderate
 */
export async function findReports(
  sql: Sql,
  callerId: number,
  chatId: number,
  { status, limit, cursor }: ReportsQuery,
): Promise<Report[] | "forbidden" | undefined> {
  const rows = many(
    await sql`
      select may_moderate, report.*
      from (
        select c.id as chat_id, me.user_id = c.owner_id or me.role = 'moderator' as may_moderate
        from chat_participants me join chats c on c.id = me.chat_id
        where me.chat_id = ${chatId} and me.user_id = ${callerId}
      ) standing
      left join lateral (
        select ${reportColumns(sql)}
        from message_reports r
        join messages about on about.id = r.message_id
        where may_moderate and r.chat_id = standing.chat_id and about.user_id is distinct from ${callerId}
          ${isWithStatus(sql, status)}
          ${cursor === undefined ? sql`` : sql`and r.id < ${cursor}`}
        order by r.id desc
        limit ${limit}
      ) report on true
      order by report.id desc
    `,
    ListedReport,
  );
  const [first] = rows;
  if (!first) return undefined;
  if (!first.may_moderate) return "forbidden";
  return rows.flatMap((row) => {
    if (row.id === null) return [];
    const { may_moderate: _, ...report } = row;
    return [report];
  });
}

const ResolvedReport = z.object({
  may_moderate: z.boolean(),
  report_id: z.int().nullable(),
  is_new: z.boolean(),
  last_seq: z.int(),
  author_id: z.int().nullable(),
  moderator_ids: z.array(z.int()),
});

/**
 * Resolves a report, if the caller moderates the chat.
 * @returns undefined for a chat that the caller is not in. `report_id` is null for a report that they cannot see.
 */
export async function updateResolved(
  sql: Sql,
  caller: Actor,
  chatId: number,
  reportId: number,
): Promise<z.infer<typeof ResolvedReport> | undefined> {
  return maybe(
    await sql`
      with locked as materialized (${lockedChat(sql, caller.id, chatId, { byRole: true })}),
      standing as materialized (
        select owner_id = ${caller.id} or caller_role = 'moderator' as may_moderate from locked
      ),
      target as materialized (
        select r.id, m.user_id as author_id
        from locked
        join standing on standing.may_moderate
        join message_reports r on r.chat_id = locked.id and r.id = ${reportId}
        join messages m on m.chat_id = r.chat_id and m.id = r.message_id and m.user_id is distinct from ${caller.id}
      ),
      moderators as materialized (${moderatorIds(sql)}),
      resolved as (
        update message_reports r set resolved_at = now(), resolved_by = ${caller.id}
        from target
        where r.id = target.id and r.resolved_at is null
        returning r.id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "resolve_report",
          outcome: "ok",
          actor: caller,
          target: `chat:${chatId}`,
          details: sql`jsonb_build_object('report_id', id)`,
          source: caller.source,
        },
        sql`from resolved`,
      )})
      select standing.may_moderate, target.id as report_id, target.author_id, locked.last_seq,
        exists (select from resolved) as is_new, array(select user_id from moderators) as moderator_ids
      from locked cross join standing left join target on true
    `,
    ResolvedReport,
  );
}
