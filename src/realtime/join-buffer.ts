// What a room releases while somebody is joining it, as far as a socket will take it in one go.
import { numberOf, replayBytesMax, replayMax, type DurableFrame } from "../wire/frames.ts";

export interface Recording {
  readonly userId: number;
  /** The number above which it has everything. */
  from: number;
  readonly frames: { number: number; text: string }[];
  /** Answers whose last frame is among them. */
  readonly ended: Set<number>;
  bytes: number;
  overflowed: boolean;
  /** The number at which the person was removed. */
  removedAt: number | undefined;
}

export function startRecording(userId: number, from: number): Recording {
  const frames: Recording["frames"] = [];
  return {
    userId,
    from,
    frames,
    ended: new Set(),
    bytes: 0,
    overflowed: false,
    removedAt: undefined,
  };
}

/** @param text the frame as it goes out */
export function record(recording: Recording, frame: DurableFrame, text: string): void {
  const number = numberOf(frame);
  if (frame.type === "bot_stream" && frame.is_complete) {
    recording.ended.add(frame.message_id);
    // Its chunks passed, and were not kept.
    keep(recording, number, wholeText(frame));
  }
  keep(recording, number, text);
}

function keep(recording: Recording, number: number, text: string) {
  recording.bytes += Buffer.byteLength(text);
  if (recording.frames.length < replayMax && recording.bytes <= replayBytesMax) {
    recording.frames.push({ number, text });
  } else {
    recording.overflowed = true;
  }
}

/** A chunk that brings all of an answer to who may have missed some. */
export function wholeText(last: Extract<DurableFrame, { is_complete: true }>): string {
  const { chat_id, message_id, full_response: chunk } = last;
  return JSON.stringify({
    type: "bot_stream",
    chat_id,
    message_id,
    chunk,
    is_complete: false,
    offset: 0,
  });
}
