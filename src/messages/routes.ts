import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { longJson } from "../http/long-json.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { signedIn } from "../accounts/signed-in.ts";
import { getMessage } from "../chats/get-message.ts";
import { ChatPath } from "../wire/chats.ts";
import {
  EditMessageInput,
  HistoryQuery,
  Message,
  MessagePath,
  MessageVersion,
  SendMessageInput,
  versionsMax,
} from "../wire/messages.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { deleteMessage } from "./delete.ts";
import { editMessage } from "./edit.ts";
import { listMessages, type HistoryPage } from "./history.ts";
import { sendMessage } from "./send.ts";
import { listVersions } from "./versions.ts";

const tags = ["Messages"];
const security = bearer;

const listMessagesRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/messages",
  operationId: "listMessages",
  tags,
  summary: "List a page of a chat's messages, oldest first",
  description:
    "Without a cursor the page holds the newest messages. The `Link` header (RFC 8288) leads to the pages of older (`prev`) " +
    "and newer (`next`) messages. `around_seq` shows a message among its neighbours.",
  security,
  request: { params: ChatPath, query: HistoryQuery },
  responses: {
    200: {
      ...answers(z.array(Message), "Messages, oldest first"),
      headers: {
        Link: {
          description: 'Links to the neighbouring pages: `rel="prev"`, `rel="next"`',
          schema: { type: "string" },
        },
      },
    },
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const sendMessageRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/messages",
  operationId: "sendMessage",
  tags,
  summary: "Send a message",
  description:
    "The request does the same as the socket's `message` frame. `/bot …` and `@Gemini` ask the model, whose answer " +
    "streams to the room; `/bot help` is answered by the server itself. `@name` mentions a participant, and in groups `@all` " +
    "everybody else; the server makes `mentions` of them. " +
    "A retry with the same `client_id` returns the first message and stores nothing.",
  security,
  request: { params: ChatPath, body: takes(SendMessageInput) },
  responses: {
    200: answers(Message, "The stored message"),
    ...refuses(
      "not_json",
      "too_large",
      "unsupported_media_type",
      "invalid",
      "invalid_token",
      "not_found",
      "client_id_reused",
      "quota_exceeded",
      "bot_not_configured",
    ),
  },
});

const getMessageRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/messages/{message_id}",
  operationId: "getMessage",
  tags,
  summary: "Get a message",
  security,
  request: { params: MessagePath },
  responses: {
    200: answers(Message, "The message"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const editMessageRoute = createRoute({
  method: "patch",
  path: "/api/chats/{chat_id}/messages/{message_id}",
  operationId: "editMessage",
  tags,
  summary: "Edit a message",
  description:
    "The author may; answers cannot be edited, and neither can a deleted message (409). The text before is kept, see " +
    "`/versions`. Only a message with files may have empty text. An edit asks the model nothing, also if the text begins with `/bot`. An edit that changes nothing succeeds " +
    "and takes no number in the log, whatever `if_seq` says: it may be a retry. The socket's `edit` frame does the same.",
  security,
  request: { params: MessagePath, body: takes(EditMessageInput) },
  responses: {
    200: answers(Message, "The message as it is now"),
    ...refuses(
      "not_json",
      "too_large",
      "unsupported_media_type",
      "invalid",
      "invalid_token",
      "forbidden",
      "not_found",
      "changed_meanwhile",
      "message_deleted",
    ),
  },
});

const deleteMessageRoute = createRoute({
  method: "delete",
  path: "/api/chats/{chat_id}/messages/{message_id}",
  operationId: "deleteMessage",
  tags,
  summary: "Delete a message",
  description:
    "The author may, of an answer the person who asked, and the chat's owner and moderators. A moderator may not delete the owner's " +
    "messages and the answers to the owner's questions. A running answer is stopped first. " +
    "The message keeps its number, its author and its `client_id`, and has no content from then on; its versions and its " +
    "reactions are deleted, and later prompts leave it out. The answers to a deleted question stay. Deleting a message once " +
    "more succeeds. The socket's `delete` frame does the same.",
  security,
  request: { params: MessagePath },
  responses: {
    200: answers(Message, "What stays of the message"),
    ...refuses("invalid_token", "forbidden", "not_found", "invalid"),
  },
});

const listVersionsRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/messages/{message_id}/versions",
  operationId: "listVersions",
  tags,
  summary: "List the texts that a message has had, oldest first",
  description:
    `The current text is the last one. Of more than ${versionsMax} texts, the first and the newest are kept. A deleted message ` +
    "has none.",
  security,
  request: { params: MessagePath },
  responses: {
    200: answers(z.array(MessageVersion), "Texts, oldest first"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

export function messageRoutes(ctx: Ctx) {
  const app = createRouter();
  const middleware = signedIn(ctx);
  return app
    .openapi({ ...listMessagesRoute, middleware }, async (c) => {
      const { chat_id } = c.req.valid("param");
      const query = c.req.valid("query");
      const page = await listMessages(ctx, c.get("caller"), chat_id, query);
      const link = linkHeader(c.req.path, query.limit, page);
      if (link) c.header("Link", link);
      return longJson(c, page.messages);
    })
    .openapi(
      { ...sendMessageRoute, middleware: [middleware, limit(ctx, "sends")] as const },
      async (c) => {
        const { chat_id } = c.req.valid("param");
        return c.json(await sendMessage(ctx, c.get("caller"), chat_id, c.req.valid("json")), 200);
      },
    )
    .openapi({ ...getMessageRoute, middleware }, async (c) => {
      const { chat_id, message_id } = c.req.valid("param");
      return c.json(await getMessage(ctx, c.get("caller"), chat_id, message_id), 200);
    })
    .openapi(
      { ...editMessageRoute, middleware: [middleware, limit(ctx, "edits")] as const },
      async (c) => {
        const { chat_id: chatId, message_id: messageId } = c.req.valid("param");
        const ids = { chatId, messageId };
        return c.json(await editMessage(ctx, c.get("caller"), ids, c.req.valid("json")), 200);
      },
    )
    .openapi(
      { ...deleteMessageRoute, middleware: [middleware, limit(ctx, "edits")] as const },
      async (c) => {
        const { chat_id: chatId, message_id: messageId } = c.req.valid("param");
        return c.json(await deleteMessage(ctx, c.get("caller"), { chatId, messageId }), 200);
      },
    )
    .openapi({ ...listVersionsRoute, middleware }, async (c) => {
      const { chat_id, message_id } = c.req.valid("param");
      return longJson(c, await listVersions(ctx, c.get("caller"), chat_id, message_id));
    });
}

function linkHeader(path: string, limit: number, page: HistoryPage): string {
  const first = page.messages.at(0);
  const last = page.messages.at(-1);
  const links: string[] = [];
  if (page.hasOlder && first)
    links.push(`<${path}?limit=${limit}&before_seq=${first.seq}>; rel="prev"`);
  if (page.hasNewer && last)
    links.push(`<${path}?limit=${limit}&after_seq=${last.seq}>; rel="next"`);
  return links.join(", ");
}
