// What is known of one room, and what each frame makes of it. Frames with a number come here in the order of their
// numbers. Arrays and messages are replaced, never changed: snapshots share them.
import type { Chat, Participant } from "../wire/chats.ts";
import {
  type BotStreamFirstFrame,
  type BotStreamFrame,
  type BotStreamLastFrame,
  type DurableFrame,
  type JoinedFrame,
  type MessageFrame,
  type MessageUpdatedFrame,
  type RoomFrame,
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

export function isDurable(frame: RoomFrame): frame is DurableFrame {
  return "updated_seq" in frame || "seq" in frame;
}

export function numberOf(frame: DurableFrame): number {
  return "updated_seq" in frame ? frame.updated_seq : frame.seq;
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
export type Applied = "applied" | "unknown" | "hole";

export function createRoomLog() {
  let chat: Chat | undefined;
  let participants: readonly Participant[] = [];
  let messages: readonly Message[] = [];
  let online: readonly Person[] = [];
  let hasOlder = false;

  const indexOf = (id: number) => messages.findLastIndex((message) => message.id === id);

  function replace(index: number, message: Message) {
    messages = messages.with(index, message);
  }

  /** Takes a message in its state of some moment; an older state changes nothing. */
  function put(message: Message): Applied {
    const known = indexOf(message.id);
    const held = messages[known];
    if (held) {
      if (message.updated_seq >= held.updated_seq) replace(known, message);
      return "applied";
    }
    const first = messages[0];
    // It belongs to a part of the history that is not loaded.
    if (hasOlder && first && message.seq < first.seq) return "unknown";
    const after = messages.findLastIndex(({ seq }) => seq < message.seq) + 1;
    messages = messages.toSpliced(after, 0, message);
    if (messages.length > messagesMax) {
      messages = messages.slice(-messagesMax);
      hasOlder = true;
    }
    return "applied";
  }

  function stream(frame: AnyStreamFrame): Applied {
    const index = indexOf(frame.message_id);
    const held = messages[index];
    if ("seq" in frame) {
      return held ? "applied" : put(firstState(frame));
    }
    if (!held) return "unknown";
    if (frame.is_complete) {
      if (frame.updated_seq >= held.updated_seq) replace(index, lastState(held, frame));
      return "applied";
    }
    const { offset, chunk } = frame;
    const { content } = held;
    // What comes late, or a second time.
    if (held.status !== "streaming") return "applied";
    if (offset > content.length) return "hole";
    if (offset > 0 && content.startsWith(chunk, offset)) return "applied";
    replace(index, { ...held, content: content.slice(0, offset) + chunk });
    return "applied";
  }

  function setChat(next: Chat) {
    chat = next;
    // The owner may be another one.
    participants = participants.map((participant) => withRole(participant, next.owner_id));
  }

  function changeChat(updated_seq: number) {
    if (chat) chat = { ...chat, updated_seq };
  }

  function addOnline(person: Person) {
    online = [...online.filter(({ user_id }) => user_id !== person.user_id), person];
  }

  return {
    get chat() {
      return chat;
    },
    get participants() {
      return participants;
    },
    get messages() {
      return messages;
    },
    get online() {
      return online;
    },
    get hasOlder() {
      return hasOlder;
    },

    put,

    apply(frame: RoomFrame): Applied {
      switch (frame.type) {
        case "message":
        case "message_updated":
          return put(messageOf(frame));
        case "bot_stream":
          return stream(frame);
        case "participant_added": {
          const { participant, updated_seq } = frame;
          const others = participants.filter(({ id }) => id !== participant.id);
          participants = [...others, participant];
          changeChat(updated_seq);
          return "applied";
        }
        case "participant_removed":
          participants = participants.filter(({ id }) => id !== frame.user_id);
          online = online.filter(({ user_id }) => user_id !== frame.user_id);
          changeChat(frame.updated_seq);
          return "applied";
        case "chat_updated":
          setChat(frame.chat);
          changeChat(frame.updated_seq);
          return "applied";
        case "user_joined":
          addOnline({ user_id: frame.user_id, username: frame.username });
          return "applied";
        case "user_left":
          online = online.filter(({ user_id }) => user_id !== frame.user_id);
          return "applied";
        default:
          return "applied";
      }
    },

    /** What a `joined` says of the room, beside its messages. */
    greet(frame: z.infer<typeof JoinedFrame>) {
      online = frame.online;
      if (frame.participants) participants = frame.participants;
      if (frame.chat) setChat(frame.chat);
    },

    /** Begins anew with what was loaded. */
    load(loaded: {
      chat: Chat;
      participants: Participant[];
      messages: Message[];
      hasOlder: boolean;
    }) {
      ({ chat, participants, messages, hasOlder } = loaded);
    },

    /** Puts a page of older messages in front. */
    prepend(page: { messages: Message[]; hasOlder: boolean }) {
      const first = messages[0]?.seq ?? Number.POSITIVE_INFINITY;
      messages = [...page.messages.filter(({ seq }) => seq < first), ...messages];
      hasOlder = page.hasOlder;
    },
  };
}

function withRole(participant: Participant, ownerId: number): Participant {
  const role = participant.id === ownerId ? "owner" : "member";
  return role === participant.role ? participant : { ...participant, role };
}

function firstState(frame: z.infer<typeof BotStreamFirstFrame>): Message {
  return {
    id: frame.message_id,
    chat_id: frame.chat_id,
    seq: frame.seq,
    updated_seq: frame.seq,
    user_id: null,
    username: botName,
    content: "",
    is_bot: true,
    status: "streaming",
    answer_to: frame.answer_to,
    client_id: null,
    created_at: frame.created_at,
    error: null,
    sources: null,
  };
}

function lastState(held: Message, frame: z.infer<typeof BotStreamLastFrame>): Message {
  const { full_response: content, status, updated_seq, error = null, sources = null } = frame;
  return { ...held, content, status, updated_seq, error, sources };
}
