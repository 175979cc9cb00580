import { createRoute } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { ReactionPath, Reactions, reactionsPerMessageMax } from "../wire/messages.ts";
import { answers, bearer, refuses } from "../wire/openapi.ts";
import { react } from "./actions.ts";
import type { StoreReaction } from "./commit.ts";

const tags = ["Messages"];
const security = bearer;
const path = "/api/chats/{chat_id}/messages/{message_id}/reactions/{emoji}";
const responses = answers(
  Reactions,
  "All reactions of the message, and the number of its last change. The frame of an edit before it may still be on its way to a socket",
);
const toMessage = ["invalid_token", "not_found", "invalid", "message_deleted"] as const;

const addRoute = createRoute({
  method: "put",
  path,
  operationId: "addReaction",
  tags,
  summary: "React to a message",
  description:
    "Any participant may react to any message, an answer that is still running too. The emoji is percent-encoded in the path, as " +
    "`encodeURIComponent` does. The same reaction again is a success that changes nothing. A message has at most " +
    `${reactionsPerMessageMax} different emoji; a further one is refused with 409 \`too_many_reactions\`. The room is sent a \`reaction\` frame.`,
  security,
  request: { params: ReactionPath },
  responses: { 200: responses, ...refuses(...toMessage, "too_many_reactions") },
});

const removeRoute = createRoute({
  method: "delete",
  path,
  operationId: "removeReaction",
  tags,
  summary: "Take a reaction back",
  description:
    "Everybody takes back their own reactions only. A reaction that does not exist is a success that changes nothing.",
  security,
  request: { params: ReactionPath },
  responses: { 200: responses, ...refuses(...toMessage) },
});

export function reactionRoutes(ctx: Ctx, storeReaction: StoreReaction) {
  const app = createRouter();
  const isSignedIn = signedIn(ctx);
  const isLimited = limit(ctx, "reactions");
  return app
    .openapi({ ...addRoute, middleware: [isSignedIn, isLimited] as const }, async (c) => {
      const { chat_id: chatId, message_id: messageId, emoji } = c.req.valid("param");
      const change = { chatId, messageId, emoji, on: true };
      return c.json(await react(ctx, storeReaction, c.get("caller"), change), 200);
    })
    .openapi({ ...removeRoute, middleware: [isSignedIn, isLimited] as const }, async (c) => {
      const { chat_id: chatId, message_id: messageId, emoji } = c.req.valid("param");
      const change = { chatId, messageId, emoji, on: false };
      return c.json(await react(ctx, storeReaction, c.get("caller"), change), 200);
    });
}
