// Reports about answers: the context that an answer was made from, and the tokens that answers used.
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
          updated_seq: Seq.meta({
            description:
              "The version that the model was given. Of the message's versions it is the last one whose `updated_seq` is not higher.",
          }),
          changed: z
            .boolean()
            .meta({ description: "Whether the message was edited or deleted since" }),
        }),
      )
      .meta({ description: "Oldest first. The question is the last one." }),
    summary: z
      .object({
        up_to_seq: Seq.meta({
          description: "The summary replaces all messages up to this number.",
        }),
        changed: z.boolean(),
      })
      .nullable()
      .meta({ description: "The summary of older messages that no longer fit into the prompt" }),
    files: z
      .array(
        z.object({
          attachment_id: Id,
          message_id: Id,
          name: z.string().nullable().meta({ description: "null once the file was deleted" }),
          media_type: z.string().nullable(),
          was_read: z.boolean().meta({ description: "Whether the model was given the file" }),
          reason: z
            .string()
            .nullable()
            .meta({ description: "Why the model was not given the file, as it was told" }),
        }),
      )
      .meta({ description: "Files of these messages, in the order of the prompt" }),
    usage: Usage.nullable().meta({
      description: "The model's count. null as long as the model has not reported one",
    }),
    first_chunk_ms: z.int().nullable().meta({
      description: "Milliseconds from the request to the model to the first text",
    }),
    total_ms: z
      .int()
      .nullable()
      .meta({ description: "Milliseconds from the request to the model to the end of the answer" }),
    changed: z
      .boolean()
      .meta({ description: "Whether any of these messages or the summary changed since" }),
  })
  .meta({ id: "AnswerContext", description: "The context that an answer was made from" });
export type AnswerContext = z.infer<typeof AnswerContext>;

const usageDaysMax = 90;
const usageDaysDefault = 30;

export const UsageQuery = z.object({
  days: numeric({ min: 1, max: usageDaysMax })
    .default(usageDaysDefault)
    .meta({
      description: `Number of days to report, 1 to ${usageDaysMax}`,
      default: usageDaysDefault,
    }),
});

export const UsageDay = z
  .object({ day: z.iso.date(), answers: z.int(), ...Usage.shape })
  .meta({ id: "UsageDay" });

const Account = z.object({
  used_tokens_today: z.int(),
  reserved_tokens: z.int().meta({ description: "Tokens reserved for answers that are running" }),
  limit_tokens_day: z.int().nullable().meta({ description: "null for no limit" }),
  running: z.int().meta({ description: "Number of answers that are running" }),
  limit_running: z.int().nullable(),
  days: z.array(UsageDay).meta({ description: "Newest first. Days without answers are left out." }),
});
export type Account = z.infer<typeof Account>;

export const UsageReport = z
  .object({
    day: z.iso
      .date()
      .meta({ description: "Today's date in UTC. A new day's budget begins at midnight UTC." }),
    mine: Account,
    chats: z
      .array(z.object({ chat_id: Id, name: z.string(), ...Account.shape }))
      .meta({ description: "Chats that the caller owns" }),
  })
  .meta({ id: "UsageReport" });
export type UsageReport = z.infer<typeof UsageReport>;

export const Models = z
  .object({ default: z.string(), models: z.array(z.string()) })
  .meta({ id: "Models", description: "Models that a chat can use" });
