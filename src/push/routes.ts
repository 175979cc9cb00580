import { createRoute, z } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import {
  PushKey,
  PushSubscription,
  PushSubscriptionInput,
  PushSubscriptionPath,
} from "../wire/push.ts";
import { Confirmation } from "../wire/users.ts";
import { listSubscriptions, subscribe, unsubscribe } from "./actions.ts";
import { vapidKeysOf, vapidSubjectOf } from "./vapid.ts";

const tags = ["Push messages"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;

const keyRoute = createRoute({
  method: "get",
  path: "/api/push/key",
  operationId: "getPushKey",
  tags,
  summary: "For which key does a browser subscribe?",
  security: bearer,
  responses: { 200: answers(PushKey, "The key of this server"), ...refuses("invalid_token") },
});

const subscribeRoute = createRoute({
  method: "post",
  path: "/api/push/subscriptions",
  operationId: "subscribeToPush",
  tags,
  summary: "Have this browser ring",
  description:
    "It rings for a mention, for a message in a private chat, and when an answer to the caller has ended, if no client of the caller is " +
    "active, the chat is not muted, and the message is not read. The same endpoint once more takes the place of the first: send it at each " +
    "start of the application, because a browser may replace its subscription. It rings for as " +
    "long as the session lasts in which it subscribed, or until the push service says that the browser has unsubscribed. The message is " +
    "encrypted for the browser: `{chat_id, seq, title, body}`.",
  security: bearer,
  request: { body: takes(PushSubscriptionInput) },
  responses: {
    200: answers(PushSubscription, "The browser rings"),
    ...refuses(...badBody, "invalid_token", "too_many_push_subscriptions"),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/api/push/subscriptions",
  operationId: "listPushSubscriptions",
  tags,
  summary: "Which of my browsers ring?",
  description: "The latest comes first.",
  security: bearer,
  responses: {
    200: answers(z.array(PushSubscription), "The caller's browsers that ring"),
    ...refuses("invalid_token"),
  },
});

const unsubscribeRoute = createRoute({
  method: "delete",
  path: "/api/push/subscriptions/{subscription_id}",
  operationId: "unsubscribeFromPush",
  tags,
  summary: "Have one of my browsers ring no more",
  security: bearer,
  request: { params: PushSubscriptionPath },
  responses: {
    200: answers(Confirmation, "It rings no more"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

export function pushRoutes(ctx: Ctx) {
  const vapid = { ...vapidKeysOf(ctx), subject: vapidSubjectOf(ctx.config) };
  const isSignedIn = signedIn(ctx);
  const limited = limit(ctx, "settings");
  return createRouter()
    .openapi({ ...keyRoute, middleware: isSignedIn }, (c) =>
      c.json({ public_key: vapid.publicKey }, 200),
    )
    .openapi({ ...subscribeRoute, middleware: [isSignedIn, limited] as const }, async (c) =>
      c.json(await subscribe(ctx, vapid, c.get("caller"), c.req.valid("json")), 200),
    )
    .openapi({ ...listRoute, middleware: isSignedIn }, async (c) =>
      c.json(await listSubscriptions(ctx, c.get("caller")), 200),
    )
    .openapi({ ...unsubscribeRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      await unsubscribe(ctx, c.get("caller"), c.req.valid("param").subscription_id);
      return c.json({ message: "The browser rings no more." }, 200);
    });
}
