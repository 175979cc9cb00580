// Frames that a client sends. The documents are made of the same schemas.
import { z } from "zod";
import { Emoji } from "./emoji.ts";
import { EditMessageInput, hasContent, sendMembers } from "./messages.ts";
import { OwnStatus, watchedMax } from "./presence.ts";
import { Id, Seq, text } from "./text.ts";

/** Size limit of a client frame in bytes; a larger one closes the socket with 1009. */
export const frameBytesMax = 64 * 1024;
export const RequestId = z.union([text({ min: 1, max: 64, trim: false }), z.int()]);
export type RequestId = z.infer<typeof RequestId>;

/** Parsed apart from the frame's other members, so that even a refused frame is answered with its own `request_id`. */
export const Envelope = z
  .object({
    request_id: RequestId.optional().catch(undefined),
    chat_id: Id.optional().catch(undefined),
  })
  .catch({});

export const request = { request_id: RequestId.nullish() };

export const ClientFrame = z.discriminatedUnion("type", [
  z.object({ type: z.literal("auth"), token: z.string().min(1).max(4_096), ...request }),
  z.object({
    type: z.literal("join"),
    chat_id: Id,
    after_seq: Seq.nullish().meta({
      description:
        "Messages whose `updated_seq` is above this number are sent first. 0 asks for all.",
    }),
    ...request,
  }),
  z
    .object({
      type: z.literal("message"),
      chat_id: Id,
      ...sendMembers,
      ...request,
    })
    .refine(...hasContent),
  z.object({
    type: z.literal("edit"),
    chat_id: Id,
    message_id: Id,
    ...EditMessageInput.shape,
    ...request,
  }),
  z.object({ type: z.literal("delete"), chat_id: Id, message_id: Id, ...request }),
  z.object({ type: z.literal("typing"), chat_id: Id, ...request }),
  z.object({
    type: z.literal("read"),
    chat_id: Id,
    seq: Seq.nullish().meta({
      description: "Default: the newest number. A higher number counts as the newest, too.",
    }),
    ...request,
  }),
  z.object({ type: z.literal("leave"), chat_id: Id, ...request }),
  z.object({ type: z.literal("stop"), chat_id: Id, message_id: Id, ...request }),
  z.object({ type: z.literal("presence"), status: OwnStatus, ...request }),
  z.object({
    type: z.literal("watch_presence"),
    user_ids: z.array(Id).max(watchedMax).meta({ description: "An empty list ends the watch." }),
    ...request,
  }),
  z.object({
    type: z.literal("react"),
    chat_id: Id,
    message_id: Id,
    emoji: Emoji,
    on: z.boolean().meta({ description: "false takes the reaction back" }),
    ...request,
  }),
  z.object({ type: z.literal("ping"), ...request }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;
