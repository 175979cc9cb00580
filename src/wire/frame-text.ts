// A frame as texts that are ready to send, in each form that sockets take. Each text is made when the first socket needs
// it, and only once.
import type { RoomFrame } from "./frames.ts";
import type { MergedMessage } from "./merged-frames.ts";

/** A frame that another server has serialised. */
export interface SerialisedFrame {
  readonly serialised: string;
  /** See {@link FrameText.isListed}. */
  readonly isListed: boolean;
}

export class FrameText {
  readonly #frame: RoomFrame | SerialisedFrame;
  readonly #message: (() => MergedMessage | undefined) | undefined;
  #text: string | undefined;
  #merged: string | undefined;
  #messageText: string | undefined;

  /** @param message the message that merged sockets are shown with the frame; undefined if it has none */
  constructor(frame: RoomFrame | SerialisedFrame, message?: () => MergedMessage | undefined) {
    this.#frame = frame;
    this.#message = message;
  }

  /** The frame for lean sockets. */
  get text(): string {
    const frame = this.#frame;
    return (this.#text ??= "serialised" in frame ? frame.serialised : JSON.stringify(frame));
  }

  /** The frame for merged sockets that have joined the chat: the same members, and the nested `message` if there is one. */
  get merged(): string {
    if (this.#message === undefined) return this.text;
    return (this.#merged ??= `${this.text.slice(0, -1)},"message":${this.#nestedJson()}}`);
  }

  /** Whether merged sockets that have not joined the chat are shown the message, too. */
  get isListed(): boolean {
    const frame = this.#frame;
    if (this.#message === undefined) return false;
    if ("serialised" in frame) return frame.isListed;
    return frame.type === "message" || (frame.type === "bot_stream" && frame.is_complete);
  }

  /** For merged sockets that have not joined the chat. Without flat members, so that no flat reader shows it. */
  get nested(): string {
    return `{"type":"message","message":${this.#nestedJson()}}`;
  }

  #nestedJson(): string {
    return (this.#messageText ??= JSON.stringify(this.#message?.() ?? null));
  }
}
