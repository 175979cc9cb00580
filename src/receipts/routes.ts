import { createRoute, z } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { ChatPath, MarkReadInput, ReadPosition } from "../wire/chats.ts";
import { MessagePath } from "../wire/messages.ts";
import { answers, bearer, refuses } from "../wire/openapi.ts";
import { Reader, ReadReceipts, receiptMessagesMax, ReceiptsQuery } from "../wire/receipts.ts";
import { listReaders, listReceipts, markRead } from "./actions.ts";
import type { ReadNotices } from "./notices.ts";

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
    "If the position moves, the caller's sockets receive a `read` frame, so that their other clients show the new position. The sockets that " +
    "have joined the chat receive it with a `read` frame, and the merged sockets of all participants receive `read_receipts_updated`, each at " +
    "most once a second and chat. The client frame `read` does the same.",
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
  description:
    `Of the newest ${receiptMessagesMax} messages, or of those in \`message_ids\`; ids of other chats are ignored. Whoever does not ` +
    "want to be seen reading (`read_receipts` of User) is not named, and nobody is named to them.",
  security,
  request: { params: ChatPath, query: ReceiptsQuery },
  responses: {
    200: answers(ReadReceipts, "The readers by message"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const readersRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/messages/{message_id}/readers",
  operationId: "listReaders",
  tags,
  summary: "Who has read a message",
  description:
    "All readers, those who read first before the others. The author of a message is no reader of it, and neither is somebody who joined " +
    "later. Whoever does not want to be seen reading (`read_receipts` of User) is not named, and nobody is named to them.",
  security,
  request: { params: MessagePath },
  responses: {
    200: answers(z.array(Reader), "The readers"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

export function receiptRoutes(ctx: Ctx, notices: ReadNotices) {
  const app = createRouter();
  const middleware = signedIn(ctx);
  return app
    .openapi(
      { ...markReadRoute, middleware: [middleware, limit(ctx, "reads")] as const },
      async (c) => {
        const { chat_id: chatId } = c.req.valid("param");
        const { seq } = c.req.valid("json");
        const position = await markRead(ctx, notices, c.get("caller"), {
          chatId,
          seq: seq ?? undefined,
        });
        return c.json({ success: true as const, last_read_seq: position }, 200);
      },
    )
    .openapi({ ...readersRoute, middleware }, async (c) => {
      const { chat_id, message_id } = c.req.valid("param");
      return c.json(await listReaders(ctx, c.get("caller"), chat_id, message_id), 200);
    })
    .openapi({ ...receiptsRoute, middleware }, async (c) => {
      const { chat_id } = c.req.valid("param");
      const { message_ids } = c.req.valid("query");
      return c.json(await listReceipts(ctx, c.get("caller"), chat_id, message_ids), 200);
    });
}
