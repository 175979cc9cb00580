import type { Chat, Participant } from "../wire/chats.ts";
import type {
  BotStreamFirstFrame,
  BotStreamFrame,
  BotStreamLastFrame,
  JoinedFrame,
  MessageFrame,
  MessageUpdatedFrame,
} from "../wire/frames.ts";
import type { ServerFrame } from "../wire/server-frames.ts";
import type { Message } from "../wire/messages.ts";
import type { Read } from "../wire/receipts.ts";
import type { z } from "zod";
import { firstState, lastState } from "./answer-states.ts";
import { withReaction } from "./reactions.ts";

export interface Person {
  readonly user_id: number;
  readonly username: string;
}

/** The largest number of messages in memory; the oldest are dropped, and can be loaded again. */
export const messagesMax = 5_000;

type AnyStreamFrame =
  | z.infer<typeof BotStreamFirstFrame>
  | z.infer<typeof BotStreamFrame>
  | z.infer<typeof BotStreamLastFrame>;
type WholeFrame = z.infer<typeof MessageFrame> | z.infer<typeof MessageUpdatedFrame>;

/** The number of the change that a frame reports; undefined for frames that report no durable change. */
export function numberOf(frame: ServerFrame): number | undefined {
  return "updated_seq" in frame ? frame.updated_seq : "seq" in frame ? frame.seq : undefined;
}

export function messageOf(frame: WholeFrame): Message {
  const { type: _, message_id: id, ...body } = frame;
  return { id, ...body };
}

/**
 * The reason why a frame could not be applied:
 * - `unknown`: it changes a message that is not in memory
 * - `hole`: it is a chunk that begins behind the end of the text in memory
 */
export type Misfit = "unknown" | "hole" | undefined;

/** The part of a room that its frames change. */
export interface ShownLog {
  readonly chat: Chat | undefined;
  readonly participants: readonly Participant[];
  readonly messages: readonly Message[];
  readonly online: readonly Person[];
  readonly reads: readonly Read[];
  readonly onlineCount: number;
  readonly hasOlder: boolean;
}

/**
 * A room as its frames describe it. Frames with a number have to be applied in the order of their numbers. Arrays and
 * messages are replaced, never changed, since snapshots share them.
 */
export class RoomLog {
  readonly #onMessage: (message: Message) => void;
  #shown: ShownLog = {
    chat: undefined,
    participants: [],
    messages: [],
    online: [],
    reads: [],
    onlineCount: 0,
    hasOlder: false,
  };

  /** @param onMessage is called with each message that is received, from a frame or over HTTP */
  constructor(onMessage: (message: Message) => void) {
    this.#onMessage = onMessage;
  }

  /** Replaced whenever a part of it changes. */
  get shown(): ShownLog {
    return this.#shown;
  }

  apply(frame: ServerFrame): Misfit {
    switch (frame.type) {
      case "message":
      case "message_updated":
        return this.put(messageOf(frame));
      case "bot_stream":
        return this.#stream(frame);
      case "reaction": {
        const { message_id, updated_seq } = frame;
        return this.change(message_id, (held) => {
          // The frame is a repetition, or late.
          if (updated_seq <= held.updated_seq) return held;
          return { ...withReaction(held, frame), updated_seq };
        });
      }
      case "read":
        return this.#setReads(
          frame.reads.map(({ user_id }) => user_id),
          frame.reads,
        );
      case "participant_added": {
        const { participant, updated_seq } = frame;
        const others = this.#shown.participants.filter(({ id }) => id !== participant.id);
        return this.#setParticipants(updated_seq, [...others, participant]);
      }
      case "participant_removed": {
        const { user_id, updated_seq } = frame;
        this.#setOnline([user_id]);
        this.#setReads([user_id]);
        const others = this.#shown.participants.filter(({ id }) => id !== user_id);
        return this.#setParticipants(updated_seq, others);
      }
      case "chat_updated":
        return this.#setChat(frame.chat);
      case "user_joined": {
        const { user_id, username } = frame;
        return this.#setOnline([user_id], [{ user_id, username }]);
      }
      case "user_left":
        return this.#setOnline([frame.user_id]);
      case "presence_changed": {
        const { joined, left, online_count } = frame;
        const goneIds = [...joined, ...left].map(({ user_id }) => user_id);
        this.#setOnline(goneIds, joined);
        return this.#set({ onlineCount: online_count });
      }
    }
  }

  /** Adds or replaces a message. A state that is older than the one in memory changes nothing. */
  put(message: Message): Misfit {
    this.#onMessage(message);
    const { messages, hasOlder } = this.#shown;
    const { index, held } = this.#find(message.id);
    if (held) {
      if (message.updated_seq < held.updated_seq) return;
      return this.#set({ messages: messages.with(index, message) });
    }
    // The message is in the part of the history that is not loaded.
    if (hasOlder && message.seq < (messages[0]?.seq ?? 0)) return "unknown";
    const before = messages.findLastIndex(({ seq }) => seq < message.seq);
    const longer = messages.toSpliced(before + 1, 0, message);
    const isFull = longer.length > messagesMax;
    return this.#set({ messages: longer.slice(-messagesMax), hasOlder: hasOlder || isFull });
  }

  /** Replaces a message in memory. */
  change(id: number, change: (held: Message) => Message): Misfit {
    const { index, held } = this.#find(id);
    if (!held) return "unknown";
    this.#set({ messages: this.#shown.messages.with(index, change(held)) });
  }

  /** Takes over the state of the room from a `joined` frame. */
  greet(frame: z.infer<typeof JoinedFrame>): void {
    const { online, online_count: onlineCount, reads = [], chat } = frame;
    const { participants = this.#shown.participants } = frame;
    this.#set({ online, onlineCount, reads, participants });
    if (chat) this.#setChat(chat);
  }

  /** Replaces everything with what was loaded over HTTP. */
  load(loaded: Omit<ShownLog, "online" | "onlineCount" | "reads">): void {
    this.#set(loaded);
    loaded.messages.forEach(this.#onMessage);
  }

  /** Adds a page of older messages in front. */
  prepend(page: { messages: Message[]; hasOlder: boolean }): void {
    const { messages } = this.#shown;
    const first = messages[0]?.seq ?? Infinity;
    const older = page.messages.filter(({ seq }) => seq < first);
    this.#set({ messages: [...older, ...messages], hasOlder: page.hasOlder });
  }

  #set(next: Partial<ShownLog>): undefined {
    this.#shown = { ...this.#shown, ...next };
  }

  #find(id: number) {
    const { messages } = this.#shown;
    const index = messages.findLastIndex((message) => message.id === id);
    return { index, held: messages[index] };
  }

  #stream(frame: AnyStreamFrame): Misfit {
    const { index, held } = this.#find(frame.message_id);
    if (!held) return "seq" in frame ? this.put(firstState(frame)) : "unknown";
    const replace = (message: Message) =>
      this.#set({ messages: this.#shown.messages.with(index, message) });
    // The frame is a repetition, or late.
    if ("seq" in frame || held.status !== "streaming") return;
    if (frame.is_complete) return replace(lastState(held, frame));
    const { offset, chunk } = frame;
    const { content } = held;
    if (offset > content.length) return "hole";
    if (offset > 0 && content.startsWith(chunk, offset)) return;
    return replace({ ...held, content: content.slice(0, offset) + chunk });
  }

  #setChat(chat: Chat): undefined {
    // The chat may have a new owner.
    const participants = this.#shown.participants.map((participant): Participant => {
      return { ...participant, role: participant.id === chat.owner_id ? "owner" : "member" };
    });
    this.#set({ chat, participants });
  }

  #setParticipants(updated_seq: number, participants: readonly Participant[]): undefined {
    const { chat } = this.#shown;
    this.#set({ chat: chat && { ...chat, updated_seq }, participants });
  }

  /** Removes the positions of people, and adds others. */
  #setReads(goneIds: readonly number[], reads: readonly Read[] = []): undefined {
    const others = this.#shown.reads.filter(({ user_id }) => !goneIds.includes(user_id));
    this.#set({ reads: [...others, ...reads] });
  }

  /** Removes people from those who have the room open, and adds others. The count changes by as many as the list. */
  #setOnline(goneIds: readonly number[], people: readonly Person[] = []): undefined {
    const gone = new Set(goneIds);
    const { online: before, onlineCount } = this.#shown;
    const online = [...before.filter(({ user_id }) => !gone.has(user_id)), ...people];
    this.#set({ online, onlineCount: onlineCount + online.length - before.length });
  }
}
