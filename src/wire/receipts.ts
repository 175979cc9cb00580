import { z } from "zod";
import { Id, text, Time } from "./text.ts";

/** Messages that one answer covers at most. */
export const receiptMessagesMax = 200;
/** Readers that are named of one message at most. */
export const readersMax = 20;

const Reader = z
  .object({
    user_id: Id,
    username: z.string(),
    read_at: Time.meta({ description: "When the read position reached the message, or moved on" }),
  })
  .meta({ id: "Reader" });

export const ReadReceipts = z.record(z.string().regex(/^\d+$/), z.array(Reader)).meta({
  id: "ReadReceipts",
  description:
    `By the id of the message, its readers, oldest first: ${readersMax} at most. A message that nobody has read is left ` +
    "out. An author is no reader of their own message, and who joined later is none of what was written before.",
  example: {
    "123": [{ user_id: 9, username: "jane_doe", read_at: "2026-11-22T10:15:30.123Z" }],
  },
});
export type ReadReceipts = z.infer<typeof ReadReceipts>;

export const ReceiptsQuery = z.object({
  message_ids: text({ min: 1, max: 4_000 })
    .regex(/^\d{1,15}(,\d{1,15})*$/, "must be ids with commas between them")
    .transform((ids) => ids.split(",").map(Number))
    .pipe(z.array(z.number()).max(receiptMessagesMax, `must be at most ${receiptMessagesMax} ids`))
    .optional()
    .meta({
      type: "string",
      description: `Up to ${receiptMessagesMax} ids, with commas between them. Default: the newest ${receiptMessagesMax} messages`,
      example: "123,124",
    }),
});
export type ReceiptsQuery = z.infer<typeof ReceiptsQuery>;
