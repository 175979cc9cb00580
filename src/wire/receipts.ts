import { z } from "zod";
import { Id, Seq, text, Time } from "./text.ts";

/** Messages that one answer covers at most. */
export const receiptMessagesMax = 200;
/** Readers that are named of one message at most. */
export const readersMax = 20;

/** In a chat with more participants than this, read positions are not sent: they are read on request. */
export const liveReadsMembersMax = 100;

export const Reader = z
  .object({
    user_id: Id,
    username: z.string(),
    read_at: Time.meta({
      description:
        "When the person's read position last moved, which is when they read the message, or later",
    }),
  })
  .meta({ id: "Reader" });
export type Reader = z.infer<typeof Reader>;

/** How far a participant has read. */
export const Read = z.object({
  user_id: Id,
  last_read_seq: Seq.meta({ description: "The person has read everything up to this number." }),
  joined_seq: Seq.meta({
    description: "The number with which the person came. They count as a reader of newer messages.",
  }),
  read_at: Time.nullable().meta({
    description: "When the position last moved; null if it has not moved yet",
  }),
});
export type Read = z.infer<typeof Read>;

export const ReadReceipts = z.record(z.string().regex(/^\d+$/), z.array(Reader)).meta({
  id: "ReadReceipts",
  description:
    `By the id of the message, its readers, oldest first: ${readersMax} at most. A message that nobody has read is left ` +
    "out. An author is no reader of their own message, and who joined later is none of what was written before. Nobody is named " +
    "who does not want to be seen reading, and to them nobody is (`read_receipts` of User).",
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
