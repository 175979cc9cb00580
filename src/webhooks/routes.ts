import { createRoute, z } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { ChatPath } from "../wire/chats.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { Confirmation } from "../wire/users.ts";
import {
  CreateChatWebhookInput,
  CreatedWebhook,
  CreateWebhookInput,
  UpdateWebhookInput,
  Webhook,
  WebhookPath,
} from "../wire/webhooks.ts";
import {
  changeWebhook,
  createChatWebhook,
  createOwnWebhook,
  getWebhook,
  listChatWebhooks,
  listOwnWebhooks,
  removeWebhook,
} from "./actions.ts";

const tags = ["Webhooks"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;

const createChatWebhookRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/webhooks",
  operationId: "createChatWebhook",
  tags,
  summary: "Have an address told of what happens in a chat",
  description:
    "Owner only. The server sends a `POST` with `{type, timestamp, data: {chat_id, seq, …}}` to the address, where `data` has the " +
    "`message`, `participant`, `reaction` or `chat` that the event is about, in its latest state. Events of a chat come in the order of " +
    "their numbers, at least once: a double has the same `webhook-id`, and may come after later events. The headers and the signature are " +
    "those of Standard Webhooks (https://www.standardwebhooks.com). An event is taken by a status from 200 to 299 within 10 s; redirects are not followed. " +
    "Otherwise it is tried again for about a day, and later events of the webhook wait for it. 410 turns the webhook off at once, and " +
    "three days without success do, too. The secret is shown this once.",
  security: bearer,
  request: { params: ChatPath, body: takes(CreateChatWebhookInput) },
  responses: {
    200: answers(CreatedWebhook, "The webhook with its secret"),
    ...refuses(...badBody, "invalid_token", "not_found", "forbidden", "too_many_webhooks"),
  },
});

const listChatWebhooksRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/webhooks",
  operationId: "listChatWebhooks",
  tags,
  summary: "Which webhooks does a chat have?",
  description: "Owner only.",
  security: bearer,
  request: { params: ChatPath },
  responses: {
    200: answers(z.array(Webhook), "The chat's webhooks, the oldest first"),
    ...refuses("invalid_token", "not_found", "forbidden", "invalid"),
  },
});

const createOwnRoute = createRoute({
  method: "post",
  path: "/api/webhooks",
  operationId: "createWebhook",
  tags,
  summary: "Have an address told of what concerns me",
  description:
    "Mentions, invitations and unread messages in all of the caller's chats, in the same form as a chat's webhook is told of events. " +
    "Half a second after leaving a chat, nothing of it is told any more. It takes a session that was begun by a sign-in within the last 10 minutes.",
  security: bearer,
  request: { body: takes(CreateWebhookInput) },
  responses: {
    200: answers(CreatedWebhook, "The webhook with its secret"),
    ...refuses(...badBody, "invalid_token", "sign_in_again", "too_many_webhooks"),
  },
});

const listOwnRoute = createRoute({
  method: "get",
  path: "/api/webhooks",
  operationId: "listWebhooks",
  tags,
  summary: "Which webhooks of my own do I have?",
  security: bearer,
  responses: {
    200: answers(z.array(Webhook), "The caller's own webhooks, the oldest first"),
    ...refuses("invalid_token"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/api/webhooks/{webhook_id}",
  operationId: "getWebhook",
  tags,
  summary: "Get a webhook of mine, or of a chat that I own",
  security: bearer,
  request: { params: WebhookPath },
  responses: {
    200: answers(Webhook, "The webhook"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const changeRoute = createRoute({
  method: "patch",
  path: "/api/webhooks/{webhook_id}",
  operationId: "updateWebhook",
  tags,
  summary: "Change a webhook, or turn it on or off",
  description:
    "Another address of a webhook of one's own takes a session that was begun by a sign-in within the last 10 minutes.",
  security: bearer,
  request: { params: WebhookPath, body: takes(UpdateWebhookInput) },
  responses: {
    200: answers(Webhook, "The webhook as it is now"),
    ...refuses(...badBody, "invalid_token", "sign_in_again", "not_found"),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/api/webhooks/{webhook_id}",
  operationId: "deleteWebhook",
  tags,
  summary: "Delete a webhook",
  security: bearer,
  request: { params: WebhookPath },
  responses: {
    200: answers(Confirmation, "Nothing is sent to it any more after half a second"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

export function webhookRoutes(ctx: Ctx) {
  const isSignedIn = signedIn(ctx);
  const limited = limit(ctx, "webhooks");
  return createRouter()
    .openapi(
      { ...createChatWebhookRoute, middleware: [isSignedIn, limited] as const },
      async (c) => {
        const { chat_id: chatId } = c.req.valid("param");
        return c.json(
          await createChatWebhook(ctx, c.get("caller"), chatId, c.req.valid("json")),
          200,
        );
      },
    )
    .openapi({ ...listChatWebhooksRoute, middleware: isSignedIn }, async (c) =>
      c.json(await listChatWebhooks(ctx, c.get("caller"), c.req.valid("param").chat_id), 200),
    )
    .openapi({ ...createOwnRoute, middleware: [isSignedIn, limited] as const }, async (c) =>
      c.json(await createOwnWebhook(ctx, c.get("caller"), c.req.valid("json")), 200),
    )
    .openapi({ ...listOwnRoute, middleware: isSignedIn }, async (c) =>
      c.json(await listOwnWebhooks(ctx, c.get("caller")), 200),
    )
    .openapi({ ...getRoute, middleware: isSignedIn }, async (c) =>
      c.json(await getWebhook(ctx, c.get("caller"), c.req.valid("param").webhook_id), 200),
    )
    .openapi({ ...changeRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const { webhook_id: id } = c.req.valid("param");
      return c.json(await changeWebhook(ctx, c.get("caller"), id, c.req.valid("json")), 200);
    })
    .openapi({ ...removeRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      await removeWebhook(ctx, c.get("caller"), c.req.valid("param").webhook_id);
      return c.json({ message: "The webhook was deleted." }, 200);
    });
}
