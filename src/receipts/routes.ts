import { createRoute } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { createRouter } from "../http/router.ts";
import { ChatPath, MarkReadInput, ReadPosition } from "../wire/chats.ts";
import { answers, bearer, refuses } from "../wire/openapi.ts";
import { ReadReceipts, receiptMessagesMax, ReceiptsQuery } from "../wire/receipts.ts";
import { listReceipts, markRead } from "./actions.ts";
import type { ReceiptNotices } from "./notices.ts";

const tags = ["Chats"];
const security = bearer;
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;

const markReadRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/mark-read",
  operationId: "markRead",
  tags,
  summary: "Move my read position forward",
  description:
    "If the position moves, the caller's sockets receive a `read` frame, so that their other clients show the new position, and the merged " +
    "sockets of all participants receive `read_receipts_updated`, at most once a second and chat.",
  security,
  request: {
    params: ChatPath,
    body: { required: false, content: { "application/json": { schema: MarkReadInput } } },
  },
  responses: {
    200: answers(ReadPosition, "The read position, which never moves back"),
    ...refuses(...badBody, "invalid_token", "not_found"),
  },
});

const receiptsRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/read-receipts",
  operationId: "listReadReceipts",
  tags,
  summary: "Who has read which messages",
  description: `Of the newest ${receiptMessagesMax} messages, or of those in \`message_ids\`; ids of other chats are ignored.`,
  security,
  request: { params: ChatPath, query: ReceiptsQuery },
  responses: {
    200: answers(ReadReceipts, "The readers by message"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

export function receiptRoutes(ctx: Ctx, notices: ReceiptNotices) {
  const app = createRouter();
  const middleware = signedIn(ctx);
  return app
    .openapi({ ...markReadRoute, middleware }, async (c) => {
      const { chat_id: chatId } = c.req.valid("param");
      const { seq } = c.req.valid("json");
      const position = await markRead(ctx, notices, c.get("caller"), { chatId, seq });
      return c.json({ success: true as const, last_read_seq: position }, 200);
    })
    .openapi({ ...receiptsRoute, middleware }, async (c) => {
      const { chat_id } = c.req.valid("param");
      const { message_ids } = c.req.valid("query");
      return c.json(await listReceipts(ctx, c.get("caller"), chat_id, message_ids), 200);
    });
}
