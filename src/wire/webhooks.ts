// Webhooks: addresses that are told of events by the rules of https://www.standardwebhooks.com.
import { z } from "zod";
import { Id, numeric, Seq, text, Time } from "./text.ts";

/** Limits of the webhooks of one chat, and of a person's own. */
export const webhooksPerChatMax = 10;
export const webhooksPerPersonMax = 10;
/** Deliveries of a webhook that can be looked at. */
export const deliveriesMax = 100;
/** Hours for which deliveries are signed with the secret before the last rotation, too. */
export const rotationHours = 24;

export const chatEvents = [
  "message.created",
  "message.updated",
  "message.deleted",
  "reaction.added",
  "reaction.removed",
  "answer.started",
  "answer.ended",
  "participant.added",
  "participant.removed",
  "chat.updated",
  "chat.deleted",
] as const;
export const personEvents = ["mention", "invite", "message"] as const;
/** The event that is sent when somebody tries a webhook. */
export const testEvent = "test";

export const ChatEvent = z.enum(chatEvents).meta({
  description:
    "`answer.started` and `answer.ended` are the model's answers, which are no `message.created`. The number of an event is in `seq`.",
});
export const PersonEvent = z.enum(personEvents).meta({
  description:
    "`mention`: a message mentions the person. `invite`: the person was added to a chat. `message`: a message of somebody else, or the " +
    "end of an answer, in a chat that the person has not open, and has not read within 6 seconds; later events wait for that. Chats that are " +
    "muted and messages of people who are blocked are left out, except for invitations.",
});

const WebhookUrl = text({ min: 1, max: 2048 }).meta({
  description:
    "An http:// or https:// address. It must be public, unless the operator allows its network.",
  example: "https://example.com/hooks/chat",
});

/** A list of different events. */
const eventsOf = <T extends z.ZodType<string>>(event: T, count: number) =>
  z
    .array(event)
    .min(1, "must name at least one event")
    .max(2 * count, `must name at most ${2 * count} events`)
    .transform((events) => [...new Set(events)].toSorted());

const ChatEvents = eventsOf(ChatEvent, chatEvents.length).meta({
  example: ["message.created", "message.updated"],
});
const PersonEvents = eventsOf(PersonEvent, personEvents.length).meta({ example: ["mention"] });

export const webhookSecretPrefix = "whsec_";

const secretForm = "must be whsec_ and 24 to 64 bytes in base64";
/** Standard Webhooks wants 24 to 64 bytes, which are 32 to 86 characters and their padding. */
const Secret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, secretForm)
  .refine((secret) => (secret.length - webhookSecretPrefix.length) % 4 === 0, secretForm)
  .meta({ example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });

const secret = Secret.optional().meta({
  description: "Signs the deliveries: `whsec_` and 24 to 64 bytes in base64. Absent: a new one.",
});

export const CreateChatWebhookInput = z
  .object({ url: WebhookUrl, events: ChatEvents, secret })
  .meta({ id: "CreateChatWebhookInput" });
export type CreateChatWebhookInput = z.infer<typeof CreateChatWebhookInput>;

export const CreateWebhookInput = z
  .object({ url: WebhookUrl, events: PersonEvents, secret })
  .meta({ id: "CreateWebhookInput" });
export type CreateWebhookInput = z.infer<typeof CreateWebhookInput>;

export const UpdateWebhookInput = z
  .object({
    url: WebhookUrl.optional(),
    events: eventsOf(
      z.enum([...chatEvents, ...personEvents]),
      chatEvents.length + personEvents.length,
    )
      .optional()
      .meta({ example: ["message.created"] }),
    is_enabled: z.boolean().optional().meta({
      description:
        "true: the webhook is told of what happens from now on. false: it is told of nothing; what has not been delivered is skipped.",
    }),
  })
  .meta({ id: "UpdateWebhookInput" });
export type UpdateWebhookInput = z.infer<typeof UpdateWebhookInput>;

export const RotateSecretInput = z.object({ secret }).meta({ id: "RotateSecretInput" });
export type RotateSecretInput = z.infer<typeof RotateSecretInput>;

export const Webhook = z
  .object({
    id: Id,
    chat_id: Id.nullable().meta({ description: "null: the person's own webhook" }),
    url: z.string(),
    events: z.array(z.enum([...chatEvents, ...personEvents])),
    is_enabled: z.boolean(),
    off_reason: z
      .enum(["gone", "failing", "other_owner"])
      .nullable()
      .meta({
        description:
          "Why the server tells it nothing. `gone`: it has answered 410. `failing`: for three days every try has failed. `other_owner`: " +
          "the chat has another owner than the person who turned it on. An owner turns it on again with `PATCH`.",
      }),
    failing_since: Time.nullable().meta({
      description: "The first of the tries that have failed since the last one that did not",
    }),
    previous_secret_until: Time.nullable().meta({
      description: "Until then deliveries are signed with the secret before the last rotation, too",
    }),
    created_at: Time,
  })
  .meta({ id: "Webhook" });
export type Webhook = z.infer<typeof Webhook>;

export const CreatedWebhook = Webhook.extend({ secret: z.string() }).meta({
  id: "CreatedWebhook",
  description: "A webhook with its secret, which is shown this once",
});
export type CreatedWebhook = z.infer<typeof CreatedWebhook>;

export const Delivery = z
  .object({
    id: Id,
    event_id: z.uuid().meta({
      description:
        "The header `webhook-id` is `msg_` and this. It is the same for all tries, so that a receiver can drop doubles.",
    }),
    type: z.enum([...chatEvents, ...personEvents, testEvent]),
    chat_id: Id.nullable(),
    seq: Seq.nullable().meta({ description: "The number of the event in the chat" }),
    status: z.enum(["pending", "delivered", "failed", "skipped"]).meta({
      description:
        "`pending`: it will be tried, again if it has failed. `failed`: it was given up after a day. `skipped`: there was nothing to tell " +
        "any more, because the webhook was turned off, or what it was about is gone or read.",
    }),
    attempts: z.int(),
    response_status: z.int().nullable().meta({ description: "Of the last try" }),
    duration_ms: z.int().nullable().meta({ description: "Of the last try" }),
    error: z.string().nullable().meta({ description: "Why the last try has failed" }),
    created_at: Time,
    attempted_at: Time.nullable(),
    next_attempt_at: Time.nullable().meta({
      description: "null unless it has failed and will be tried again",
    }),
  })
  .meta({ id: "WebhookDelivery" });
export type Delivery = z.infer<typeof Delivery>;

export const WebhookPath = z.object({ webhook_id: numeric({ min: 1 }).meta({ example: 1 }) });
export const DeliveryPath = WebhookPath.extend({
  delivery_id: numeric({ min: 1 }).meta({ example: 1 }),
});
