// A room's frames as texts that are ready to send. Delivery orders and sends them and knows no type of frame.
import { z } from "zod";
import { FrameText, type SerialisedFrame } from "./frame-text.ts";
import {
  BotStreamLastFrame,
  MessageFrame,
  numberOf,
  type BotStreamFrame,
  type DurableFrame,
  type UserJoinedFrame,
  type UserLeftFrame,
} from "./frames.ts";
import { mergedAnswer, mergedContent, mergedMessage, type MergedMessage } from "./merged-frames.ts";
import { Id } from "./text.ts";

/** `other`: merged sockets are shown no message with it. */
export type FrameShape = "message" | "first" | "last" | "other";

export interface NumberedParts {
  readonly seq: number;
  readonly shape: FrameShape;
  /** The answer whose first or last frame this is. `length`: UTF-16 units of its text. */
  readonly answer?: { readonly id: number; readonly createdAt: string; readonly length: number };
  /** The person who receives no frame of the room after this one. */
  readonly removedUserId?: number | undefined;
  /** The number of the last change of the chat or of its people up to `seq`; undefined where that is not known. */
  readonly members?: number | undefined;
  /** Makes the text of a whole answer, for its last frame. */
  readonly catchUp?: (() => FrameText) | undefined;
  readonly message: (() => MergedMessage | undefined) | undefined;
}

export class NumberedFrame extends FrameText {
  readonly seq: number;
  readonly shape: FrameShape;
  readonly answer: NumberedParts["answer"];
  /** Makes a frame for readers who may have missed unnumbered frames before this one. It is sent ahead. */
  readonly catchUp: (() => FrameText) | undefined;
  /** The answer whose last frame this is. */
  readonly endedAnswerId: number | undefined;
  /** See {@link NumberedParts}, as {@link members}. */
  readonly removedUserId: number | undefined;
  readonly members: number | undefined;

  constructor(frame: DurableFrame | SerialisedFrame, parts: NumberedParts) {
    super(frame, parts.message);
    this.seq = parts.seq;
    this.shape = parts.shape;
    this.answer = parts.answer;
    this.catchUp = parts.catchUp;
    this.endedAnswerId = parts.shape === "last" ? parts.answer?.id : undefined;
    this.removedUserId = parts.removedUserId;
    this.members = parts.members;
  }
}

/**
 * @param message what merged sockets are shown with the last frame of an answer; other frames have all that it takes
 * @param members see {@link NumberedParts}
 */
export function numberedFrame(
  frame: DurableFrame,
  message?: () => MergedMessage,
  members?: number,
): NumberedFrame {
  const isAnswer = frame.type === "bot_stream";
  const last = isAnswer && frame.is_complete ? frame : undefined;
  const first = isAnswer && !frame.is_complete ? frame : undefined;
  const shown = messageOf(frame) ?? message;
  return new NumberedFrame(frame, {
    seq: numberOf(frame),
    members,
    shape: shapeOf(frame),
    removedUserId: frame.type === "participant_removed" ? frame.user_id : undefined,
    ...(first && { answer: { id: first.message_id, createdAt: first.created_at, length: 0 } }),
    ...(last && {
      answer: {
        id: last.message_id,
        createdAt: shown?.().created_at ?? "",
        length: last.full_response.length,
      },
      // The chunks of an answer are in no log, and are not kept for those who are joining.
      catchUp: () => {
        const { chat_id, message_id, full_response } = last;
        return new FrameText(wholeTextFrame(chat_id, message_id, full_response), shown);
      },
    }),
    message: shown,
  });
}

function shapeOf(frame: DurableFrame): FrameShape {
  if (frame.type === "message") return "message";
  if (frame.type !== "bot_stream") return "other";
  return frame.is_complete ? "last" : "first";
}

/** A numbered frame that another server has serialised. It is parsed only if a socket needs its message or its whole text. */
export function receivedFrame(
  text: string,
  parts: Pick<NumberedParts, "seq" | "shape" | "answer" | "removedUserId" | "members">,
): NumberedFrame {
  const { shape, answer } = parts;
  const isListed = shape === "message" || shape === "last";
  const lastFrame = () => readAs(BotStreamLastFrame, text);
  const message = () => {
    if (shape === "message") {
      const frame = readAs(MessageFrame, text);
      return frame && mergedMessage(frame);
    }
    const { chat_id: chatId } = readAs(InChat, text) ?? {};
    if (!answer || chatId === undefined) return undefined;
    const last = shape === "last" ? lastFrame() : undefined;
    const shown = last ? mergedContent({ ...last, content: last.full_response }) : "";
    return mergedAnswer({ ...answer, chatId, text: shown });
  };
  const catchUp = () => {
    const frame = lastFrame();
    if (!frame) return new FrameText({ serialised: text, isListed: false });
    const { chat_id, message_id, full_response } = frame;
    return new FrameText(wholeTextFrame(chat_id, message_id, full_response), message);
  };
  return new NumberedFrame(
    { serialised: text, isListed },
    {
      ...parts,
      catchUp: shape === "last" ? catchUp : undefined,
      message: shape === "other" ? undefined : message,
    },
  );
}

const InChat = z.object({ chat_id: Id });

function readAs<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
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
