import { createRoute, z } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import {
  CreatedWebhook,
  Delivery,
  DeliveryPath,
  RotateSecretInput,
  WebhookPath,
} from "../wire/webhooks.ts";
import { listDeliveries, redeliver, rotateSecret, testWebhook } from "./actions.ts";

const tags = ["Webhooks"];

const testRoute = createRoute({
  method: "post",
  path: "/api/webhooks/{webhook_id}/test",
  operationId: "testWebhook",
  tags,
  summary: "Send a test event to a webhook",
  description:
    "Once, at once, and also while the webhook is off. Its deliveries tell what became of it.",
  security: bearer,
  request: { params: WebhookPath },
  responses: {
    200: answers(Delivery, "The delivery, which is on its way"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const secretRoute = createRoute({
  method: "post",
  path: "/api/webhooks/{webhook_id}/secret",
  operationId: "rotateWebhookSecret",
  tags,
  summary: "Replace the secret of a webhook",
  description: "For a day, deliveries have two signatures: one with each secret.",
  security: bearer,
  request: { params: WebhookPath, body: takes(RotateSecretInput) },
  responses: {
    200: answers(CreatedWebhook, "The webhook with its new secret"),
    ...refuses(
      "not_json",
      "too_large",
      "unsupported_media_type",
      "invalid",
      "invalid_token",
      "not_found",
    ),
  },
});

const deliveriesRoute = createRoute({
  method: "get",
  path: "/api/webhooks/{webhook_id}/deliveries",
  operationId: "listWebhookDeliveries",
  tags,
  summary: "What was a webhook told?",
  description: "The latest 100 deliveries, the latest first.",
  security: bearer,
  request: { params: WebhookPath },
  responses: {
    200: answers(z.array(Delivery), "The deliveries"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const redeliverRoute = createRoute({
  method: "post",
  path: "/api/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
  operationId: "redeliver",
  tags,
  summary: "Send a delivery once more",
  description: "Once, at once, with the same `webhook-id`, and beside the order.",
  security: bearer,
  request: { params: DeliveryPath },
  responses: {
    200: answers(Delivery, "The delivery, which is on its way"),
    ...refuses("invalid_token", "not_found", "webhook_off", "invalid"),
  },
});

/** The deliveries of a webhook, and its secret. */
export function deliveryRoutes(ctx: Ctx) {
  const isSignedIn = signedIn(ctx);
  const limited = limit(ctx, "webhooks");
  return createRouter()
    .openapi({ ...testRoute, middleware: [isSignedIn, limited] as const }, async (c) =>
      c.json(await testWebhook(ctx, c.get("caller"), c.req.valid("param").webhook_id), 200),
    )
    .openapi({ ...secretRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const { webhook_id: id } = c.req.valid("param");
      const { secret } = c.req.valid("json");
      return c.json(await rotateSecret(ctx, c.get("caller"), id, secret), 200);
    })
    .openapi({ ...deliveriesRoute, middleware: isSignedIn }, async (c) =>
      c.json(await listDeliveries(ctx, c.get("caller"), c.req.valid("param").webhook_id), 200),
    )
    .openapi({ ...redeliverRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const { webhook_id: id, delivery_id: deliveryId } = c.req.valid("param");
      return c.json(await redeliver(ctx, c.get("caller"), id, deliveryId), 200);
    });
}
