// What is known of one room, and what each frame makes of it. Frames with a number come here in the order of their
// numbers. Arrays and messages are replaced, never changed: snapshots share them.
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

/** Messages that are held at most; the oldest are let go, and can be loaded again. */
export const messagesMax = 5_000;
const botName: typeof botUsername = "Gemini";

type AnyStreamFrame =
  | z.infer<typeof BotStreamFirstFrame>
  | z.infer<typeof BotStreamFrame>
  | z.infer<typeof BotStreamLastFrame>;
type WholeFrame = z.infer<typeof MessageFrame> | z.infer<typeof MessageUpdatedFrame>;

/** The room's number that a frame carries, if it is durable. */
export function numberOf(frame: ServerFrame): number | undefined {
  return "updated_seq" in frame ? frame.updated_seq : "seq" in frame ? frame.seq : undefined;
}

export function messageOf(frame: WholeFrame): Message {
  const { type: _, message_id: id, ...body } = frame;
  return { id, ...body };
}

export type RoomLog = ReturnType<typeof createRoomLog>;

/**
 * - `unknown`: it is about a message that is not held
 * - `hole`: a chunk begins behind the end of the text that is held
 */
export type Misfit = "unknown" | "hole" | undefined;

/** The parts of a room that its frames change. */
export interface ShownLog {
  readonly chat: Chat | undefined;
  readonly participants: readonly Participant[];
  readonly messages: readonly Message[];
  readonly online: readonly Person[];
  readonly hasOlder: boolean;
}

/** @param onMessage is called for each message that comes, in whatever way */
export function createRoomLog(onMessage: (message: Message) => void) {
  let shown: ShownLog = {
    chat: undefined,
    participants: [],
    messages: [],
    online: [],
    hasOlder: false,
  };

  function set(next: Partial<ShownLog>): undefined {
    shown = { ...shown, ...next };
  }

  function find(id: number) {
    const index = shown.messages.findLastIndex((message) => message.id === id);
    return { index, held: shown.messages[index] };
  }

  /** Takes a message in its state of some moment; an older state changes nothing. */
  function put(message: Message): Misfit {
    onMessage(message);
    const { messages, hasOlder } = shown;
    const { index, held } = find(message.id);
    if (held) {
      if (message.updated_seq >= held.updated_seq) set({ messages: messages.with(index, message) });
      return;
    }
    // It belongs to a part of the history that is not loaded.
    if (hasOlder && message.seq < (messages[0]?.seq ?? 0)) return "unknown";
    const before = messages.findLastIndex(({ seq }) => seq < message.seq);
    const longer = messages.toSpliced(before + 1, 0, message);
    const isFull = longer.length > messagesMax;
    set({ messages: longer.slice(-messagesMax), hasOlder: hasOlder || isFull });
  }

  function stream(frame: AnyStreamFrame): Misfit {
    const { index, held } = find(frame.message_id);
    if (!held) return "seq" in frame ? put(firstState(frame)) : "unknown";
    const replace = (message: Message) => set({ messages: shown.messages.with(index, message) });
    // Here for the second time, or late.
    if ("seq" in frame || held.status !== "streaming") return;
    if (frame.is_complete) return replace(lastState(held, frame));
    const { offset, chunk } = frame;
    const { content } = held;
    if (offset > content.length) return "hole";
    if (offset > 0 && content.startsWith(chunk, offset)) return;
    replace({ ...held, content: content.slice(0, offset) + chunk });
  }

  function setChat(chat: Chat): undefined {
    // The owner may be another one.
    const participants = shown.participants.map((participant): Participant => {
      return { ...participant, role: participant.id === chat.owner_id ? "owner" : "member" };
    });
    set({ chat, participants });
  }

  function setParticipants(updated_seq: number, participants: readonly Participant[]): undefined {
    set({ chat: shown.chat && { ...shown.chat, updated_seq }, participants });
  }

  /** Takes somebody out of those who have the room open, and puts them in again, perhaps. */
  function setOnline(userId: number, ...people: Person[]): undefined {
    const others = shown.online.filter(({ user_id }) => user_id !== userId);
    set({ online: [...others, ...people] });
  }

  return {
    /** Replaced whenever something in it changes. */
    get shown() {
      return shown;
    },

    put,

    apply(frame: ServerFrame): Misfit {
      switch (frame.type) {
        case "message":
        case "message_updated":
          return put(messageOf(frame));
        case "bot_stream":
          return stream(frame);
        case "participant_added": {
          const { participant, updated_seq } = frame;
          const others = shown.participants.filter(({ id }) => id !== participant.id);
          return setParticipants(updated_seq, [...others, participant]);
        }
        case "participant_removed": {
          const { user_id, updated_seq } = frame;
          setOnline(user_id);
          return setParticipants(
            updated_seq,
            shown.participants.filter(({ id }) => id !== user_id),
          );
        }
        case "chat_updated":
          return setChat(frame.chat);
        case "user_joined": {
          const { user_id, username } = frame;
          return setOnline(user_id, { user_id, username });
        }
        case "user_left":
          return setOnline(frame.user_id);
      }
    },

    /** What a `joined` says of the room, beside its messages. */
    greet({ online, participants, chat }: z.infer<typeof JoinedFrame>) {
      set({ online, participants: participants ?? shown.participants });
      if (chat) setChat(chat);
    },

    /** Begins anew with what was loaded. */
    load(loaded: Omit<ShownLog, "online">) {
      set(loaded);
      loaded.messages.forEach(onMessage);
    },

    /** Puts a page of older messages in front. */
    prepend(page: { messages: Message[]; hasOlder: boolean }) {
      const first = shown.messages[0]?.seq ?? Infinity;
      const older = page.messages.filter(({ seq }) => seq < first);
      set({ messages: [...older, ...shown.messages], hasOlder: page.hasOlder });
    },
  };
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
  };
}

function lastState(held: Message, frame: z.infer<typeof BotStreamLastFrame>): Message {
  const { full_response: content, status, updated_seq, error = null, sources = null } = frame;
  return { ...held, content, status, updated_seq, error, sources };
}
