// What can be asked about answers: what one was made from, and what they cost.
import { z } from "zod";
import { ChatSettings } from "./chats.ts";
import { Usage } from "./messages.ts";
import { Id, numeric, Seq } from "./text.ts";

export const AnswerContext = z
  .object({
    message_id: Id,
    question_id: Id,
    model: z.string(),
    settings: ChatSettings,
    messages: z
      .array(
        z.object({
          id: Id,
          updated_seq: Seq.meta({ description: "The version that the model was shown" }),
          changed: z.boolean().meta({ description: "Whether it was edited or removed since" }),
        }),
      )
      .meta({ description: "Oldest first; the question is the last" }),
    summary: z
      .object({
        up_to_seq: Seq.meta({ description: "What it stands for: all messages up to this number" }),
        changed: z.boolean(),
      })
      .nullable()
      .meta({ description: "What stood for messages that no longer fit" }),
    usage: Usage.nullable().meta({ description: "As the model counted; null if it did not (yet)" }),
    first_chunk_ms: z.int().nullable().meta({
      description: "Milliseconds from asking the model to its first words",
    }),
    total_ms: z.int().nullable().meta({ description: "Milliseconds from asking to the end" }),
    changed: z.boolean().meta({ description: "Whether any of its sources changed since" }),
  })
  .meta({ id: "AnswerContext", description: "What an answer was made from" });
export type AnswerContext = z.infer<typeof AnswerContext>;

const usageDaysMax = 90;
const usageDaysDefault = 30;

export const UsageQuery = z.object({
  days: numeric({ min: 1, max: usageDaysMax })
    .default(usageDaysDefault)
    .meta({ description: `How many days back, 1 to ${usageDaysMax}`, default: usageDaysDefault }),
});

export const UsageDay = z
  .object({ day: z.iso.date(), answers: z.int(), ...Usage.shape })
  .meta({ id: "UsageDay" });

const Account = z.object({
  used_tokens_today: z.int(),
  reserved_tokens: z.int().meta({ description: "Held for answers that are running" }),
  limit_tokens_day: z.int().nullable().meta({ description: "null for no limit" }),
  running: z.int().meta({ description: "Answers that are running" }),
  limit_running: z.int().nullable(),
  days: z.array(UsageDay).meta({ description: "Newest first; days without answers are left out" }),
});
export type Account = z.infer<typeof Account>;

export const UsageReport = z
  .object({
    day: z.iso.date().meta({ description: "Today in UTC, when a new day's budget begins" }),
    mine: Account,
    chats: z
      .array(z.object({ chat_id: Id, name: z.string(), ...Account.shape }))
      .meta({ description: "The chats that the caller owns" }),
  })
  .meta({ id: "UsageReport" });
export type UsageReport = z.infer<typeof UsageReport>;

export const Models = z
  .object({ default: z.string(), models: z.array(z.string()) })
  .meta({ id: "Models", description: "Models that a chat may be set to" });
