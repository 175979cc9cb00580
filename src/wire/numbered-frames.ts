// A room's frames as texts that are ready to send. Delivery orders and sends them and knows no type of frame.
import type { z } from "zod";
import {
  numberOf,
  type BotStreamFrame,
  type DurableFrame,
  type UserJoinedFrame,
  type UserLeftFrame,
} from "./frames.ts";

export interface NumberedFrame {
  readonly seq: number;
  readonly text: string;
  /** Makes a text for readers who may have missed unnumbered frames before this one. It is sent ahead of `text`. */
  readonly catchUp: (() => string) | undefined;
  /** The answer whose last frame this is. */
  readonly endedAnswerId: number | undefined;
  /** The person who hears nothing of the room after this frame. */
  readonly removedUserId: number | undefined;
}

export function numberedFrame(frame: DurableFrame): NumberedFrame {
  const isLast = frame.type === "bot_stream" && frame.is_complete;
  return {
    seq: numberOf(frame),
    text: JSON.stringify(frame),
    // The chunks of an answer are in no log, and are not kept for those who are joining.
    catchUp: isLast
      ? () => JSON.stringify(wholeTextFrame(frame.chat_id, frame.message_id, frame.full_response))
      : undefined,
    endedAnswerId: isLast ? frame.message_id : undefined,
    removedUserId: frame.type === "participant_removed" ? frame.user_id : undefined,
  };
}

/** A chunk that replaces all that was shown of an answer before. */
export function wholeTextFrame(
  chatId: number,
  messageId: number,
  text: string,
): z.infer<typeof BotStreamFrame> {
  return {
    type: "bot_stream",
    chat_id: chatId,
    message_id: messageId,
    chunk: text,
    is_complete: false,
    offset: 0,
  };
}

/** Tells a room that somebody came or went. */
export function presenceFrame(
  type: "user_joined" | "user_left",
  chatId: number,
  { userId, username }: { userId: number; username: string },
): z.infer<typeof UserJoinedFrame> | z.infer<typeof UserLeftFrame> {
  return { type, chat_id: chatId, user_id: userId, username };
}
