// A message as a frame shows it, or leaves it.
import { blankMessage } from "../wire/blank-message.ts";
import type {
  BotStreamFirstFrame,
  BotStreamLastFrame,
  MessageFrame,
  MessageUpdatedFrame,
} from "../wire/frames.ts";
import type { botUsername, Message } from "../wire/messages.ts";
import type { z } from "zod";

/** The members of a message that a frame has. The others of the frame are named here. */
function membersOf<
  T extends {
    type: string;
    message_id: number;
    chunk?: string;
    is_complete?: boolean;
    offset?: number;
    full_response?: string;
    usage?: unknown;
  },
>(frame: T) {
  const {
    type: _,
    message_id: id,
    chunk: __,
    is_complete: ___,
    offset: ____,
    full_response: _____,
    usage: ______,
    ...members
  } = frame;
  return { id, ...members };
}

/** The message of a frame that shows it whole. */
export const messageOf: (
  frame: z.infer<typeof MessageFrame> | z.infer<typeof MessageUpdatedFrame>,
) => Message = membersOf;

export function firstState(frame: z.infer<typeof BotStreamFirstFrame>): Message {
  return {
    ...blankMessage,
    ...membersOf(frame),
    updated_seq: frame.seq,
    username: "Gemini" satisfies typeof botUsername,
    is_bot: true,
    status: "streaming",
  };
}

/** A running answer has no error, sources and files yet: the frame has them where there are any. */
export function lastState(held: Message, frame: z.infer<typeof BotStreamLastFrame>): Message {
  return { ...held, content: frame.full_response, ...membersOf(frame) };
}
