import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { jsonArray } from "../database/wire-json.ts";
import { jsonText } from "../http/json-text.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { signedIn } from "../accounts/signed-in.ts";
import { ChatPath } from "../wire/chats.ts";
import { HistoryQuery, Message, SendMessageInput } from "../wire/messages.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { listMessages, type HistoryPage } from "./history.ts";
import { sendMessage } from "./send.ts";

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
    "and newer (`next`) messages.",
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
      return jsonText<Message[]>(c, jsonArray(page.messages.map(({ json }) => json)));
    })
    .openapi(
      { ...sendMessageRoute, middleware: [middleware, limit(ctx, "sends")] as const },
      async (c) => {
        const { chat_id } = c.req.valid("param");
        return c.json(await sendMessage(ctx, c.get("caller"), chat_id, c.req.valid("json")), 200);
      },
    );
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
