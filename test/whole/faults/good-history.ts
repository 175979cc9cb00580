// A small history without a fault, made anew for each test, which then spoils it. Times are hours of one day.
import { check } from "./checker.ts";
import { goodDeparture, goodExports } from "./good-departure.ts";
import type {
  Frame,
  History,
  PresenceRecord,
  Reacting,
  Revision,
  StoredChat,
  StoredMessage,
  Tape,
  TapeEvent,
} from "./history.ts";
import { newMessage } from "../../world/new-message.ts";

export const chatId = 1;
export const ann = 10;
export const ben = 20;
export const questionId = "ann-2";

const at = "2026-11-22T10:00:00.000Z";

function message(more: Partial<StoredMessage> & { id: number; seq: number }): StoredMessage {
  const plain = newMessage({
    chat_id: chatId,
    updated_seq: more.seq,
    user_id: ann,
    username: "ann",
    content: "hi",
    created_at: at,
    ...more,
  });
  const versions = [{ updated_seq: more.updated_seq ?? more.seq, content: plain.content }];
  return { ordinal: 1, versions, ...more, ...plain };
}

/**
 * 1 ann says hi · 2 ben is removed · 3 ann asks · 4 the answer begins · 5 ben is invited · 6 the answer ends ·
 * 7 the chat gets a name · 8 ben says hi
 */
function goodChat(): StoredChat {
  return {
    id: chatId,
    name: "new name",
    last_seq: 8,
    updated_seq: 7,
    message_count: 4,
    participant_count: 2,
    participants: [ann, ben],
    reactors: [],
    messages: [
      message({ id: 101, seq: 1, client_id: "ann-1", ordinal: 1 }),
      message({ id: 102, seq: 3, client_id: questionId, content: "/bot what?", ordinal: 2 }),
      message({
        id: 103,
        seq: 4,
        updated_seq: 6,
        user_id: null,
        username: "Gemini",
        content: "All of it.",
        is_bot: true,
        answer_to: 102,
        ordinal: 3,
      }),
      message({ id: 104, seq: 8, client_id: "ben-1", user_id: ben, username: "ben", ordinal: 4 }),
    ],
    changes: [
      { seq: 2, kind: "participant_removed", message_id: null, user_id: ben },
      { seq: 5, kind: "participant_added", message_id: null, user_id: ben },
      { seq: 6, kind: "answer_ended", message_id: 103, user_id: null },
      { seq: 7, kind: "chat_updated", message_id: null, user_id: null },
    ],
  };
}

/** A stored message as a `message` frame. */
export function messageFrame(stored: StoredMessage, more: Partial<Frame> = {}): Frame {
  const { id, ordinal: _, is_bot: __, versions: ___, ...body } = stored;
  return { type: "message", message_id: id, ...body, ...more };
}

const join = (requestId: string, afterSeq: number): Frame => ({
  type: "join",
  chat_id: chatId,
  request_id: requestId,
  after_seq: afterSeq,
});

const joined = (requestId: string, lastSeq: number, more: Partial<Frame> = {}): Frame => ({
  type: "joined",
  chat_id: chatId,
  request_id: requestId,
  last_seq: lastSeq,
  recovered: true,
  ...more,
});

const stream = (more: Partial<Frame>): Frame => ({
  type: "bot_stream",
  chat_id: chatId,
  message_id: 103,
  is_complete: false,
  ...more,
});

const changed = {
  chat: { id: chatId, updated_seq: 7, name: "new name" },
  participants: [{ id: ann }, { id: ben }],
};

/** Was there all the time, but for a cut in the middle of the answer. */
function annsTape({ messages }: StoredChat): Tape {
  const [first, question, answer, last] = messages as Messages;
  const streaming = { status: "streaming", updated_seq: 4, content: "All" };
  return tape("ann", ann, [
    [1, "opened"],
    [2, "out", join("a1", 0)],
    [3, "in", joined("a1", 0)],
    [4, "in", messageFrame(first)],
    [5, "in", { type: "participant_removed", chat_id: chatId, updated_seq: 2, user_id: ben }],
    [6, "in", messageFrame(question)],
    [7, "in", stream({ seq: 4, chunk: "", offset: 0, answer_to: 102 })],
    [7, "in", stream({ chunk: "All", offset: 0 })],
    [8, "closed"],
    [9, "opened"],
    [10, "out", join("a2", 3)],
    [11, "in", messageFrame(answer, streaming)],
    [11, "in", joined("a2", 4)],
    [11, "in", stream({ chunk: "All of", offset: 0 })],
    [12, "in", stream({ chunk: " it.", offset: 6 })],
    [
      14,
      "in",
      { type: "participant_added", chat_id: chatId, updated_seq: 5, participant: { id: ben } },
    ],
    [
      15,
      "in",
      stream({
        is_complete: true,
        updated_seq: 6,
        full_response: "All of it.",
        status: "complete",
      }),
    ],
    [16, "in", { type: "chat_updated", chat_id: chatId, updated_seq: 7 }],
    [17, "in", messageFrame(last)],
  ]);
}

/** Was removed, then invited at 13 o'clock, and came back at 16. */
function bensTape({ messages }: StoredChat): Tape {
  const [first, question, answer, last] = messages as Messages;
  return tape("ben", ben, [
    [1, "opened"],
    [2, "out", join("b1", 0)],
    [3, "in", joined("b1", 0)],
    [4, "in", messageFrame(first)],
    [5, "in", { type: "participant_removed", chat_id: chatId, updated_seq: 2, user_id: ben }],
    [16, "out", join("b2", 2)],
    [16, "in", messageFrame(question)],
    [16, "in", messageFrame(answer)],
    [16, "in", joined("b2", 7, changed)],
    [17, "in", messageFrame(last)],
    [18, "out", { type: "leave", chat_id: chatId, request_id: "b3" }],
    [19, "in", { type: "ack", request_id: "b3" }],
  ]);
}

type Messages = [StoredMessage, StoredMessage, StoredMessage, StoredMessage];
type Line = [at: number, kind: "opened" | "closed"] | [at: number, kind: "in" | "out", Frame];

function tape(name: string, userId: number, lines: Line[]): Tape {
  const events = lines.map((line): TapeEvent => {
    if (line.length === 2) return { at: line[0], socket: 1, kind: line[1] };
    return { at: line[0], socket: 1, kind: line[1], frame: line[2] };
  });
  return { name, userId, events };
}

export function goodHistory() {
  const chat = goodChat();
  const send = (
    userId: number,
    clientId: string,
    content: string,
    messageId: number,
    seq: number,
  ) => ({
    chatId,
    userId,
    clientId,
    content,
    asksBot: clientId === questionId,
    attachmentIds: [],
    acks: [{ messageId, seq }],
    refusals: [] as string[],
    maybeStored: false,
  });
  const load = (userId: number) => ({
    chatId,
    userId,
    found: {
      messages: chat.messages.map(({ ordinal: _, versions: __, ...stored }) =>
        structuredClone(stored),
      ),
      participants: [ann, ben],
    },
  });
  const history = {
    chats: [chat],
    sends: [
      send(ann, "ann-1", "hi", 101, 1),
      send(ann, questionId, "/bot what?", 102, 3),
      send(ben, "ben-1", "hi", 104, 8),
      { ...send(ben, "ben-0", "too late", 0, 0), acks: [], refusals: ["not_found"] },
    ],
    revisions: [] as Revision[],
    reactions: [] as Reacting[],
    profiles: [{ userId: 1, name: "Ann", isDone: true, maybeStored: false }],
    names: new Map([[1, { displayName: "Ann", parts: ["ann"] }]]),
    moves: [
      { chatId, userId: ben, kind: "participant_removed" as const, startedAt: 4 },
      { chatId, userId: ben, kind: "participant_added" as const, startedAt: 13 },
    ],
    renames: [{ chatId, name: "new name" }],
    ...goodDeparture(),
    exports: goodExports(),
    tapes: [annsTape(chat), bensTape(chat)] as [Tape, Tape],
    loads: [load(ann), load(ben)] as const,
    presence: {
      statuses: new Map<number, string>(),
      together: new Set<string>(),
      strangers: [] as number[],
      absent: undefined as PresenceRecord["absent"],
    },
    kills: 0,
    servers: 1,
    asked: new Map([[questionId, 1]]),
    answerTo: () => "All of it.",
    incidents: [],
  };
  return { history: history as History & typeof history, chat };
}

type Good = ReturnType<typeof goodHistory>;

/** The rules that a history breaks once it is spoilt. */
export function broken(spoil: (good: Good) => void): string[] {
  const good = goodHistory();
  spoil(good);
  return [...new Set(check(good.history).map(({ rule }) => rule))];
}

export function messageOf({ chat }: Good, id: number): StoredMessage {
  const found = chat.messages.find((message) => message.id === id);
  if (!found) throw new Error(`no message ${id}`);
  return found;
}
