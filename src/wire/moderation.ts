// Moderation of a chat: roles, and reports of messages.
import { z } from "zod";
import { ChatPath } from "./chats.ts";
import { Message } from "./messages.ts";
import { Id, numeric, text, Time } from "./text.ts";

/** Limit of the reason of a report, in characters. */
export const reasonMax = 1_000;
const reportsPageMax = 100;

export const UpdateParticipantInput = z
  .object({
    role: z.enum(["member", "moderator"]).meta({
      description: "A chat gets another owner by `PATCH /api/chats/{chat_id}` with `owner_id`",
    }),
  })
  .meta({ id: "UpdateParticipantInput", example: { role: "moderator" } });
export type UpdateParticipantInput = z.infer<typeof UpdateParticipantInput>;

export const ReportMessageInput = z
  .object({
    reason: text({ min: 1, max: reasonMax }).meta({
      description: "A sentence for the chat's owner and moderators",
      example: "It insults somebody.",
    }),
  })
  .meta({ id: "ReportMessageInput" });
export type ReportMessageInput = z.infer<typeof ReportMessageInput>;

const Somebody = z.object({ user_id: Id, username: z.string() });

export const ReportStatus = z.enum(["open", "resolved"]);

export const Report = z
  .object({
    id: Id,
    chat_id: Id,
    message: Message.meta({ description: "The reported message as it is now" }),
    reporter: Somebody,
    reason: z.string(),
    status: ReportStatus,
    handled_by: z.enum(["moderators", "operators"]).meta({
      description:
        "Who can resolve it: the chat's owner and moderators. If all of them have written the message, it is left to the operators of " +
        "the server; a moderator who is named later sees it, too.",
    }),
    created_at: Time,
    resolved_at: Time.nullable(),
    resolved_by: Somebody.nullable().meta({
      description: "null for an open report, and for one that the message's deletion has resolved",
    }),
  })
  .meta({ id: "Report" });
export type Report = z.infer<typeof Report>;

export const ReportsQuery = z.object({
  status: ReportStatus.optional().meta({ description: "Only reports with this status" }),
  limit: numeric({ min: 1, max: reportsPageMax })
    .default(20)
    .meta({ description: `1 to ${reportsPageMax}`, default: 20 }),
  cursor: numeric({ min: 1 }).optional().meta({ description: "`next_cursor` of the page before" }),
});
export type ReportsQuery = z.infer<typeof ReportsQuery>;

export const ReportPage = z
  .object({
    items: z.array(Report),
    next_cursor: z.string().nullable().meta({ description: "null on the last page" }),
  })
  .meta({ id: "ReportPage" });
export type ReportPage = z.infer<typeof ReportPage>;

export const ReportPath = ChatPath.extend({ report_id: numeric({ min: 1 }).meta({ example: 3 }) });
