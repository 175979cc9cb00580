// The endpoint that services post to. Its body may be a form, so it comes before the middleware that takes JSON only.
import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { clientAddress, networkOf } from "../http/address.ts";
import { createRouter } from "../http/router.ts";
import type { Doer } from "../rate-limits/rate-limits.ts";
import { ClientId } from "../wire/client-id.ts";
import { HookMessage, HookMessageInput, HookPath } from "../wire/incoming-webhooks.ts";
import { answers, refuses } from "../wire/openapi.ts";
import { readPayload } from "./payload.ts";
import { postByHook, readHook } from "./post.ts";

const postRoute = createRoute({
  method: "post",
  path: "/hooks/{secret}",
  operationId: "postByIncomingWebhook",
  tags: ["Incoming webhooks"],
  summary: "Post a message by an incoming webhook",
  description:
    "For senders that are made for Slack: JSON, or a form with the field `payload`. The text asks the model nothing, whatever chat it is " +
    "in. It mentions people of the chat, but not everybody. 60 messages in a minute are taken of a webhook. Every address that is none, or was " +
    "revoked, is the same 404. A message that is sent again with the same `Idempotency-Key` is stored once.",
  request: {
    params: HookPath,
    headers: z.object({ "idempotency-key": ClientId.optional() }),
  },
  responses: {
    200: answers(HookMessage, "The message is stored"),
    ...refuses(
      "not_json",
      "not_found",
      "client_id_reused",
      "too_large",
      "unsupported_media_type",
      "invalid",
    ),
  },
});

const Form = z.object({
  payload: z.string().meta({ description: "The JSON of a HookMessageInput" }),
});

/** With bodies of two media types, Hono would validate one by the schema of the other: it is told of neither. */
const documentedRoute = {
  ...postRoute,
  request: {
    ...postRoute.request,
    body: {
      required: true,
      content: {
        "application/json": { schema: HookMessageInput },
        "application/x-www-form-urlencoded": { schema: Form },
      },
    },
  },
};

export function hookPostRoutes(ctx: Ctx) {
  const router = createRouter();
  router.openAPIRegistry.registerPath(documentedRoute);
  return router.openapi({ ...postRoute, hide: true }, async (c) => {
    await countPost(ctx, { network: networkOf(clientAddress(c)) });
    const hook = await readHook(ctx, c.req.valid("param").secret);
    const { "idempotency-key": idempotencyKey } = c.req.valid("header");
    const text = readPayload(c.req.header("content-type"), await c.req.arrayBuffer());
    await countPost(ctx, { userId: hook.user_id });
    return c.json(await postByHook(ctx, hook, text, idempotencyKey), 200);
  });
}

/** The address counts before anything is looked up, and the webhook once it is known. @throws Problem `rate_limited` */
async function countPost(ctx: Ctx, doer: Doer): Promise<void> {
  const { refusal } = await ctx.rateLimits.take("hookPosts", doer);
  if (refusal) throw refusal;
}
