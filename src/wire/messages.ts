import { z } from "zod";
import { Id, numeric, Seq, text, Time } from "./text.ts";
import { ChatPath } from "./chats.ts";

/** The name that every message of the model carries. Nobody can register it. */
export const botUsername = "Gemini";

/** Stored as it was sent, white space at its ends included: a client finds the copy that it shows by the exact text. */
export const Content = text({ min: 1, max: 16_000, trim: false })
  .refine((value) => value === "" || value.trim() !== "", "must not be blank")
  .meta({
    description: "Stored exactly as it is sent. Text that is blank is refused",
    example: "Hello!",
  });
export const ClientId = text({ min: 1, max: 64, trim: false }).meta({
  description:
    "Made by the client, unique for this sender and chat for ever: a retry with it stores nothing twice",
  example: "b1c6a2f0-01",
});

export const MessageStatus = z
  .enum(["streaming", "complete", "stopped", "failed", "blocked", "truncated", "interrupted"])
  .meta({
    id: "MessageStatus",
    description: "`complete` for people; an answer is `streaming`, then exactly one of the others",
  });
export type MessageStatus = z.infer<typeof MessageStatus>;

/** A web page that an answer rests on. */
export const Source = z
  .object({ title: z.string(), url: z.string().meta({ format: "uri" }) })
  .meta({ id: "Source" });
export type Source = z.infer<typeof Source>;

export const Message = z
  .object({
    id: Id,
    chat_id: Id,
    seq: Seq,
    updated_seq: Seq,
    user_id: Id.nullable().meta({ description: "null for the bot" }),
    username: z.string(),
    content: z.string().meta({
      description: "While an answer is `streaming`, what was kept of it so far",
    }),
    is_bot: z.boolean(),
    status: MessageStatus,
    answer_to: Id.nullable().meta({
      description: "The id of the question that a bot's message answers",
    }),
    client_id: z.string().nullable(),
    created_at: Time,
    error: z.string().nullable().meta({
      description: "Why an answer is not whole, for a person",
    }),
    sources: z.array(Source).nullable().meta({
      description: "Web pages that an answer rests on, where the model looked things up",
    }),
  })
  .meta({ id: "Message" });
export type Message = z.infer<typeof Message>;

/** Tokens of one answer as the model counted them. */
export const Usage = z
  .object({
    prompt_tokens: z.int(),
    answer_tokens: z.int(),
    thoughts_tokens: z.int(),
    cached_tokens: z.int(),
    total_tokens: z.int(),
  })
  .meta({ id: "Usage" });
export type Usage = z.infer<typeof Usage>;

export const SendMessageInput = z
  .object({ content: Content, client_id: ClientId.nullish() })
  .meta({ id: "SendMessageInput" });
export type SendMessageInput = z.infer<typeof SendMessageInput>;

const historyPageMax = 200;
const historyPageDefault = 50;

export const HistoryQuery = z
  .object({
    limit: numeric({ min: 1, max: historyPageMax })
      .default(historyPageDefault)
      .meta({ description: `1 to ${historyPageMax}`, default: historyPageDefault }),
    before_seq: numeric({ min: 0 })
      .optional()
      .meta({ description: "Only messages whose `seq` is below this number" }),
    after_seq: numeric({ min: 0 }).optional().meta({
      description:
        "Only messages whose `seq` is above this number, unlike `after_seq` of the socket's `join`, which is about `updated_seq`",
    }),
  })
  .refine((query) => query.before_seq === undefined || query.after_seq === undefined, {
    error: "before_seq and after_seq exclude each other",
    path: ["after_seq"],
  });
export type HistoryQuery = z.infer<typeof HistoryQuery>;

export const MessagePath = ChatPath.extend({
  message_id: numeric({ min: 1 }).meta({ example: 124 }),
});
