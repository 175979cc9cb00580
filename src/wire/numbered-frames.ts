// A room's frames as texts that are ready to send. Delivery orders and sends them and knows no type of frame.
import type { z } from "zod";
import { FrameText } from "./frame-text.ts";
import {
  numberOf,
  type BotStreamFrame,
  type DurableFrame,
  type UserJoinedFrame,
  type UserLeftFrame,
} from "./frames.ts";
import { mergedAnswer, mergedMessage, type MergedMessage } from "./merged-frames.ts";

export class NumberedFrame extends FrameText {
  readonly seq: number;
  /** Makes a frame for readers who may have missed unnumbered frames before this one. It is sent ahead. */
  readonly catchUp: (() => FrameText) | undefined;
  /** The answer whose last frame this is. */
  readonly endedAnswerId: number | undefined;
  /** The person who receives no frame of the room after this one. */
  readonly removedUserId: number | undefined;

  constructor(frame: DurableFrame, message: (() => MergedMessage) | undefined) {
    super(frame, message);
    const isLast = frame.type === "bot_stream" && frame.is_complete;
    this.seq = numberOf(frame);
    // The chunks of an answer are in no log, and are not kept for those who are joining.
    this.catchUp = isLast
      ? () => {
          const { chat_id, message_id, full_response } = frame;
          return new FrameText(wholeTextFrame(chat_id, message_id, full_response), message);
        }
      : undefined;
    this.endedAnswerId = isLast ? frame.message_id : undefined;
    this.removedUserId = frame.type === "participant_removed" ? frame.user_id : undefined;
  }
}

/** @param message what merged sockets are shown with the last frame of an answer; other frames have all that it takes */
export function numberedFrame(frame: DurableFrame, message?: () => MergedMessage): NumberedFrame {
  return new NumberedFrame(frame, messageOf(frame) ?? message);
}

function messageOf(frame: DurableFrame): (() => MergedMessage) | undefined {
  if (frame.type === "message") return () => mergedMessage(frame);
  if (frame.type !== "bot_stream" || frame.is_complete) return undefined;
  const { message_id: id, chat_id: chatId, created_at: createdAt } = frame;
  return () => mergedAnswer({ id, chatId, createdAt, text: "" });
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
