import { createRoute, z } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { ChatPath } from "../wire/chats.ts";
import {
  CreatedIncomingWebhook,
  CreateIncomingWebhookInput,
  IncomingWebhook,
  IncomingWebhookPath,
} from "../wire/incoming-webhooks.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { Confirmation } from "../wire/users.ts";
import { createHook, listHooks, revokeHook } from "./actions.ts";

const tags = ["Incoming webhooks"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;
const inChat = ["invalid_token", "not_found", "forbidden"] as const;

const createHookRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/hooks",
  operationId: "createIncomingWebhook",
  tags,
  summary: "Create an address by which a service posts into a group (owner)",
  description:
    "Whoever knows the address can post, so it is a secret: it is shown this once. The messages have an account of the webhook's " +
    "own as their author, whose username is made from the name, and which others see with that name and `is_bot_account`. It is no participant, and reads nothing. The webhook belongs to the chat: " +
    "it stays when its creator leaves, and goes with the chat. It mentions nobody who has blocked its creator.",
  security: bearer,
  request: { params: ChatPath, body: takes(CreateIncomingWebhookInput) },
  responses: {
    200: answers(CreatedIncomingWebhook, "The webhook with its address, which is not shown again"),
    ...refuses(...badBody, ...inChat, "too_many_hooks"),
  },
});

const listHooksRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/hooks",
  operationId: "listIncomingWebhooks",
  tags,
  summary: "Which incoming webhooks does a chat have? (owner)",
  description: "The latest comes first.",
  security: bearer,
  request: { params: ChatPath },
  responses: {
    200: answers(z.array(IncomingWebhook), "The incoming webhooks of the chat"),
    ...refuses(...inChat, "invalid"),
  },
});

const revokeHookRoute = createRoute({
  method: "delete",
  path: "/api/chats/{chat_id}/hooks/{hook_id}",
  operationId: "revokeIncomingWebhook",
  tags,
  summary: "Revoke an incoming webhook (owner)",
  description: "Its address takes nothing from then on. Its messages stay, under its name.",
  security: bearer,
  request: { params: IncomingWebhookPath },
  responses: {
    200: answers(Confirmation, "The webhook is revoked"),
    ...refuses(...inChat, "invalid"),
  },
});

export function incomingWebhookRoutes(ctx: Ctx) {
  const isSignedIn = signedIn(ctx);
  const limited = limit(ctx, "hooks");
  return createRouter()
    .openapi({ ...createHookRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const { chat_id: chatId } = c.req.valid("param");
      return c.json(await createHook(ctx, c.get("caller"), chatId, c.req.valid("json")), 200);
    })
    .openapi({ ...listHooksRoute, middleware: isSignedIn }, async (c) =>
      c.json(await listHooks(ctx, c.get("caller"), c.req.valid("param").chat_id), 200),
    )
    .openapi({ ...revokeHookRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const { chat_id: chatId, hook_id: hookId } = c.req.valid("param");
      await revokeHook(ctx, c.get("caller"), { chatId, hookId });
      return c.json({ message: "The incoming webhook was revoked." }, 200);
    });
}
