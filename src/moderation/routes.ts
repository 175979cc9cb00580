import { createRoute } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { ChatPath, Participant, ParticipantPath } from "../wire/chats.ts";
import { MessagePath } from "../wire/messages.ts";
import {
  Report,
  ReportMessageInput,
  ReportPage,
  ReportPath,
  ReportsQuery,
  UpdateParticipantInput,
} from "../wire/moderation.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { listReports, reportMessage, resolveReport } from "./reports.ts";
import { changeRole } from "./roles.ts";

const tags = ["Moderation"];
const security = bearer;
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;
const inChat = ["invalid_token", "not_found", "forbidden"] as const;

const roleRoute = createRoute({
  method: "patch",
  path: "/api/chats/{chat_id}/participants/{user_id}",
  operationId: "changeRole",
  tags,
  summary: "Make a participant a moderator, or a member again (owner)",
  description:
    "A moderator removes members, deletes messages of everybody but the owner, and sees the reports of messages. The change takes a " +
    "number of the room's log, and the room receives `participant_updated` with it.",
  security,
  request: { params: ParticipantPath, body: takes(UpdateParticipantInput) },
  responses: {
    200: answers(Participant, "The participant"),
    ...refuses(...badBody, ...inChat),
  },
});

const reportRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/messages/{message_id}/report",
  operationId: "reportMessage",
  tags,
  summary: "Report a message to the chat's owner and moderators",
  description:
    "A person has one open report of a message: a repeated request returns it unchanged. The owner and the moderators receive the frame " +
    "`report`, except for the author of the message; nobody else is told. If there is nobody else, `handled_by` is `operators`: the " +
    "operators of the server find the report in their log and with `bun run db:reports`. The deletion of the message resolves its reports.",
  security,
  request: { params: MessagePath, body: takes(ReportMessageInput) },
  responses: {
    200: answers(Report, "The open report of the caller"),
    ...refuses(...badBody, ...inChat, "message_deleted"),
  },
});

const reportsRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/reports",
  operationId: "listReports",
  tags,
  summary: "List the reports of a chat, the newest first (owner, moderators)",
  description: "Reports of the caller's own messages are left out: the others see those.",
  security,
  request: { params: ChatPath, query: ReportsQuery },
  responses: { 200: answers(ReportPage, "A page of reports"), ...refuses(...inChat, "invalid") },
});

const resolveRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/reports/{report_id}/resolve",
  operationId: "resolveReport",
  tags,
  summary: "Resolve a report (owner, moderators)",
  description:
    "Resolving it once more succeeds and changes nothing. The owner and the moderators receive the frame `report` with its new state.",
  security,
  request: { params: ReportPath },
  responses: { 200: answers(Report, "The report"), ...refuses(...inChat, "invalid") },
});

export function moderationRoutes(ctx: Ctx) {
  const caller = signedIn(ctx);
  return createRouter()
    .openapi(
      { ...roleRoute, middleware: [caller, limit(ctx, "moderation")] as const },
      async (c) => {
        const { chat_id: chatId, user_id: userId } = c.req.valid("param");
        const { role } = c.req.valid("json");
        return c.json(await changeRole(ctx, c.get("caller"), { chatId, userId }, role), 200);
      },
    )
    .openapi(
      { ...reportRoute, middleware: [caller, limit(ctx, "reports")] as const },
      async (c) => {
        const { chat_id: chatId, message_id: messageId } = c.req.valid("param");
        const { reason } = c.req.valid("json");
        const ids = { chatId, messageId };
        return c.json(await reportMessage(ctx, c.get("caller"), ids, reason), 200);
      },
    )
    .openapi({ ...reportsRoute, middleware: caller }, async (c) => {
      const { chat_id } = c.req.valid("param");
      return c.json(await listReports(ctx, c.get("caller"), chat_id, c.req.valid("query")), 200);
    })
    .openapi(
      { ...resolveRoute, middleware: [caller, limit(ctx, "moderation")] as const },
      async (c) => {
        const { chat_id, report_id } = c.req.valid("param");
        return c.json(await resolveReport(ctx, c.get("caller"), chat_id, report_id), 200);
      },
    );
}
