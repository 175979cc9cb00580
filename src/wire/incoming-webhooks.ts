// Incoming webhooks: secret addresses by which other services post into a chat.
import { z } from "zod";
import { DisplayName } from "./names.ts";
import { Id, numeric, Time } from "./text.ts";

/** Limit of the incoming webhooks of one chat. */
export const incomingWebhooksPerChatMax = 20;

export const CreateIncomingWebhookInput = z
  .object({
    name: DisplayName.meta({
      description: "The name that its messages are shown under, such as that of the service.",
      example: "Build results",
    }),
  })
  .meta({ id: "CreateIncomingWebhookInput" });
export type CreateIncomingWebhookInput = z.infer<typeof CreateIncomingWebhookInput>;

export const IncomingWebhook = z
  .object({
    id: Id,
    chat_id: Id,
    name: z.string(),
    user_id: Id.meta({ description: "The account that its messages have as their author" }),
    username: z.string().meta({
      description: "The username of that account, made from the name",
      example: "Build-results",
    }),
    created_by: Id.nullable().meta({
      description: "The person who created it; null: the account is deleted",
    }),
    created_at: Time,
    last_used_at: Time.nullable().meta({
      description: "The last message, at most a minute old; null: it was never used",
    }),
  })
  .meta({
    id: "IncomingWebhook",
    description: "An incoming webhook as the owner of its chat sees it, without its address",
  });
export type IncomingWebhook = z.infer<typeof IncomingWebhook>;

export const CreatedIncomingWebhook = IncomingWebhook.extend({
  url: z.string().meta({
    description: "The address to post to. It is a secret, and is shown this once.",
    example: "https://chat.example.com/hooks/VG9kYXkgaXMgYSBnb29kIGRheSB0byBzYXkgaGVsbG8",
  }),
}).meta({
  id: "CreatedIncomingWebhook",
  description: "A new incoming webhook, with its address",
});
export type CreatedIncomingWebhook = z.infer<typeof CreatedIncomingWebhook>;

export const IncomingWebhookPath = z.object({
  chat_id: numeric({ min: 1 }).meta({ example: 1 }),
  hook_id: numeric({ min: 1 }).meta({ example: 1 }),
});

/** The body that is documented. src/incoming-webhooks/payload.ts reads it, and what else Slack's senders write. */
export const HookMessageInput = z
  .object({ text: z.string().optional().meta({ example: "Build 512 has passed." }) })
  .loose()
  .meta({
    id: "HookMessageInput",
    description:
      "A message as Slack's senders write it, with at most 16,000 characters of text. Without `text`, the texts of `attachments` (`pretext`, " +
      "`title`, `text`, `fallback`) and of `blocks` are taken. Slack's links `<https://…|words>` and its escapes `&lt;`, `&gt;` and `&amp;` " +
      "become Markdown and characters. Other members, such as `username` and `icon_emoji`, are ignored.",
  });

export const HookMessage = z
  .object({
    ok: z.literal(true),
    message_id: Id.meta({ example: 123 }),
    seq: z.int().meta({ description: "The number of the message in its chat", example: 57 }),
  })
  .meta({ id: "HookMessage", description: "The message that is stored" });
export type HookMessage = z.infer<typeof HookMessage>;

export const HookPath = z.object({
  secret: z.string().max(200).meta({ example: "VG9kYXkgaXMgYSBnb29kIGRheSB0byBzYXkgaGVsbG8" }),
});
