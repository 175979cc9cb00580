// Push messages (Web Push, RFC 8030), which ring at browsers whose page is closed.
import { z } from "zod";
import { Id, numeric, Time } from "./text.ts";

/** Limit of the browsers of one person that ring. */
export const pushSubscriptionsMax = 20;

export const PushKey = z
  .object({
    public_key: z.string().meta({
      description:
        "The `applicationServerKey` of `pushManager.subscribe()`, in base64url (RFC 8292)",
      example:
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
    }),
  })
  .meta({ id: "PushKey" });
export type PushKey = z.infer<typeof PushKey>;

/** Bytes in base64url, of which browsers leave out the padding. */
const bytes = (length: number, what: string) =>
  z
    .string()
    .max(100, "is too long")
    .transform((text) => text.replace(/=+$/, ""))
    .refine(
      (text) => /^[\w-]+$/.test(text) && text.length === Math.ceil((length * 8) / 6),
      `must be ${what} in base64url, of ${length} bytes`,
    )
    .meta({ type: "string" });

export const PushSubscriptionInput = z
  .object({
    endpoint: z
      .string()
      .max(2048, "must have at most 2,048 characters")
      .regex(/^[!-~]+$/, "must be an address")
      .meta({ example: "https://push.example.com/v1/VG9kYXkgaXMgYSBnb29kIGRheQ" }),
    keys: z.object({
      p256dh: bytes(65, "a public key").meta({
        example:
          "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
      }),
      auth: bytes(16, "a secret").meta({ example: "BTBZMqHH6r4Tts7J_aSIgg" }),
    }),
    shows_text: z.boolean().default(true).meta({
      description: "Whether messages have the beginning of the text, or only say who has written",
    }),
  })
  .meta({
    id: "PushSubscriptionInput",
    description: "A `PushSubscription` of a browser, as its `toJSON()` gives it",
  });
export type PushSubscriptionInput = z.infer<typeof PushSubscriptionInput>;

export const PushSubscription = z
  .object({
    id: Id,
    service: z.string().meta({
      description: "The host of the push service",
      example: "push.example.com",
    }),
    session_id: z.uuid().meta({
      description: "The session with which it ends, see `GET /api/auth/sessions`",
    }),
    current: z.boolean().meta({ description: "Whether this request belongs to the session" }),
    shows_text: z.boolean(),
    created_at: Time,
  })
  .meta({
    id: "PushSubscription",
    description: "A browser that rings, without the secrets of its address",
  });
export type PushSubscription = z.infer<typeof PushSubscription>;

export const PushSubscriptionPath = z.object({
  subscription_id: numeric({ min: 1 }).meta({ example: 1 }),
});
