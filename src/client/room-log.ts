import type { Chat, Participant } from "../wire/chats.ts";
import type {
  BotStreamFirstFrame,
  BotStreamFrame,
  BotStreamLastFrame,
  JoinedFrame,
  MessageFrame,
  MessageUpdatedFrame,
  ServerFrame,
} from "../wire/frames.ts";
import type { botUsername, Message } from "../wire/messages.ts";
import type { z } from "zod";

export interface Person {
  readonly user_id: number;
  readonly username: string;
}

/** The largest number of messages in memory; the oldest are dropped, and can be loaded again. */
export const messagesMax = 5_000;
const botName: typeof botUsername = "Gemini";

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
      case "participant_added": {
        const { participant, updated_seq } = frame;
        const others = this.#shown.participants.filter(({ id }) => id !== participant.id);
        return this.#setParticipants(updated_seq, [...others, participant]);
      }
      case "participant_removed": {
        const { user_id, updated_seq } = frame;
        this.#setOnline(user_id);
        const others = this.#shown.participants.filter(({ id }) => id !== user_id);
        return this.#setParticipants(updated_seq, others);
      }
      case "chat_updated":
        return this.#setChat(frame.chat);
      case "user_joined": {
        const { user_id, username } = frame;
        return this.#setOnline(user_id, { user_id, username });
      }
      case "user_left":
        return this.#setOnline(frame.user_id);
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

  /** Takes over the state of the room from a `joined` frame. */
  greet({ online, participants, chat }: z.infer<typeof JoinedFrame>): void {
    this.#set({ online, participants: participants ?? this.#shown.participants });
    if (chat) this.#setChat(chat);
  }

  /** Replaces everything with what was loaded over HTTP. */
  load(loaded: Omit<ShownLog, "online">): void {
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

  /** Replaces one person among those who have the room open; removes them if `people` is empty. */
  #setOnline(userId: number, ...people: Person[]): undefined {
    const others = this.#shown.online.filter(({ user_id }) => user_id !== userId);
    this.#set({ online: [...others, ...people] });
  }
}

function firstState(frame: z.infer<typeof BotStreamFirstFrame>): Message {
  const { type: _, message_id: id, chunk: content, is_complete: __, offset: ___, ...body } = frame;
  return {
    ...body,
    id,
    updated_seq: body.seq,
    user_id: null,
    username: botName,
    content,
    is_bot: true,
    status: "streaming",
    client_id: null,
    error: null,
    sources: null,
    edited_at: null,
    deleted_at: null,
    reply_to: null,
    mentions: [],
    reactions: [],
  };
}

function lastState(held: Message, frame: z.infer<typeof BotStreamLastFrame>): Message {
  const { full_response: content, status, updated_seq, error = null, sources = null } = frame;
  return { ...held, content, status, updated_seq, error, sources };
}
