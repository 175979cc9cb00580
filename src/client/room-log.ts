import type { Chat, Participant } from "../wire/chats.ts";
import type {
  BotStreamFirstFrame,
  BotStreamFrame,
  BotStreamLastFrame,
  JoinedFrame,
} from "../wire/frames.ts";
import type { ServerFrame } from "../wire/server-frames.ts";
import type { Message } from "../wire/messages.ts";
import type { Read } from "../wire/receipts.ts";
import type { z } from "zod";
import { firstState, lastState, messageOf } from "./message-states.ts";
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

/** The number of the change that a frame reports; undefined for frames that report no durable change. */
export function numberOf(frame: ServerFrame): number | undefined {
  return "updated_seq" in frame ? frame.updated_seq : "seq" in frame ? frame.seq : undefined;
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
      case "reaction":
        // The frame may be a repetition, or late.
        return this.change(frame.message_id, (held) =>
          frame.updated_seq <= held.updated_seq
            ? held
            : { ...withReaction(held, frame), updated_seq: frame.updated_seq },
        );
      case "read":
        return this.#setReads(
          frame.reads.map(({ user_id }) => user_id),
          frame.reads,
        );
      case "participant_added":
      case "participant_updated":
        return this.#setParticipants(frame, frame.participant.id, frame.participant);
      case "participant_removed": {
        const { user_id } = frame;
        this.#setOnline([user_id]);
        this.#setReads([user_id]);
        return this.#setParticipants(frame, user_id);
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
        this.#setOnline(
          [...joined, ...left].map(({ user_id }) => user_id),
          joined,
        );
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
      return this.#replace(index, message);
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
    this.#replace(index, change(held));
  }

  /** Takes over the state of the room from a `joined` frame. */
  greet(frame: z.infer<typeof JoinedFrame>): void {
    const {
      online,
      online_count: onlineCount,
      reads = [],
      chat,
      participants = this.#shown.participants,
    } = frame;
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

  #replace(index: number, message: Message): undefined {
    this.#set({ messages: this.#shown.messages.with(index, message) });
  }

  #find(id: number) {
    const { messages } = this.#shown;
    const index = messages.findLastIndex((message) => message.id === id);
    return { index, held: messages[index] };
  }

  #stream(frame: AnyStreamFrame): Misfit {
    const { index, held } = this.#find(frame.message_id);
    if (!held) return "seq" in frame ? this.put(firstState(frame)) : "unknown";
    // The frame is a repetition, or late.
    if ("seq" in frame || held.status !== "streaming") return;
    if (frame.is_complete) return this.#replace(index, lastState(held, frame));
    const { offset, chunk } = frame;
    const { content } = held;
    if (offset > content.length) return "hole";
    if (offset > 0 && content.startsWith(chunk, offset)) return;
    return this.#replace(index, { ...held, content: content.slice(0, offset) + chunk });
  }

  #setChat(chat: Chat): undefined {
    // The chat may have a new owner.
    const participants = this.#shown.participants.map(({ role, ...participant }): Participant => {
      const other = role === "moderator" ? role : "member";
      return { ...participant, role: participant.id === chat.owner_id ? "owner" : other };
    });
    this.#set({ chat, participants });
  }

  /** Removes a participant, or puts another state in their place; somebody new comes last, as in the list over HTTP. */
  #setParticipants(
    { updated_seq }: { updated_seq: number },
    userId: number,
    ...states: Participant[]
  ): undefined {
    const { chat, participants } = this.#shown;
    const index = participants.findLastIndex((each) => each.id === userId);
    this.#set({
      chat: chat && { ...chat, updated_seq },
      participants: participants.toSpliced(index < 0 ? Infinity : index, 1, ...states),
    });
  }

  /** Removes the positions of people, and adds others. */
  #setReads(goneIds: readonly number[], reads: readonly Read[] = []): undefined {
    const others = this.#shown.reads.filter(({ user_id }) => !goneIds.includes(user_id));
    this.#set({ reads: [...others, ...reads] });
  }

  /** Removes people from those who have the room open, and adds others. The count changes by as many as the list. */
  #setOnline(goneIds: readonly number[], people: readonly Person[] = []): undefined {
    const { online: before, onlineCount } = this.#shown;
    const others = before.filter(({ user_id }) => !goneIds.includes(user_id));
    const online = [...others, ...people];
    this.#set({ online, onlineCount: onlineCount + online.length - before.length });
  }
}
