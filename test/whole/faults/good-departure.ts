// Accounts that were deleted, and exports, without a fault: a part of the good history.
import type { Departure, ExportHistory, ExportRecord, LeftBehind, StoredChat } from "./history.ts";
import { newMessage } from "../../world/new-message.ts";
import { formats } from "../../../src/export/formats.ts";
import type { Chat } from "../../../src/wire/chats.ts";

const at = "2026-11-22T10:00:00.000Z";
const staying = 50;

/** The person writes twice in a chat of theirs, edits the first message, goes, and the messages are erased, or not. */
function leave(userId: number, chatId: number, messages: Departure["messages"]) {
  const word = `word${userId}`;
  const isErased = messages === "erase";
  const sent = [1, 2].map((n) => ({
    chatId,
    messageId: chatId * 10 + n,
    content: `${word} ${n}`,
  }));
  const departure: Departure = {
    userId,
    username: `goes${userId}`,
    messages,
    word,
    profileWord: `profile${userId}`,
    ownChatId: chatId + 1,
    sharedChatIds: [chatId],
    sent,
    isDone: true,
  };
  const stored = sent.map(({ messageId, content }, index) => {
    const lastSeq = isErased ? 6 + index : index === 0 ? 3 : 2;
    const message = newMessage({
      id: messageId,
      chat_id: chatId,
      seq: index + 1,
      updated_seq: lastSeq,
      user_id: userId,
      username: "Deleted user",
      content: isErased ? "" : content,
      deleted_at: isErased ? at : null,
      created_at: at,
    });
    return { ...message, ordinal: index + 1, versions: [] };
  });
  const updated = (seq: number, messageId: number) =>
    ({ seq, kind: "message_updated", message_id: messageId, user_id: null }) as const;
  const chat: StoredChat = {
    id: chatId,
    name: "a chat",
    last_seq: isErased ? 7 : 5,
    updated_seq: 5,
    message_count: 2,
    participant_count: 1,
    participants: [staying],
    reactors: [],
    messages: stored,
    changes: [
      updated(3, chatId * 10 + 1),
      { seq: 4, kind: "chat_updated", message_id: null, user_id: null },
      { seq: 5, kind: "participant_removed", message_id: null, user_id: userId },
      ...(isErased ? [updated(6, chatId * 10 + 1), updated(7, chatId * 10 + 2)] : []),
    ],
  };
  return { departure, chat };
}

export function goodDeparture() {
  const left = [leave(60, 600, "erase"), leave(70, 700, "keep")];
  const departures = left.map(({ departure }) => departure);
  const chats = left.map(({ chat }) => chat);
  return {
    departures,
    leftBehind: {
      unfinished: [] as number[],
      tablesWith: new Map<string, string[]>([
        ["word60", []],
        ["profile60", []],
        ["profile70", []],
      ]),
      people: new Map(
        departures.map(({ userId }) => [
          userId,
          { username: "Deleted user", email: "", isDeleted: true, sessions: 0, chats: 0 },
        ]),
      ),
      owners: new Map(chats.map(({ id }) => [id, staying])),
      chats,
      loads: chats.map(({ id, messages }) => ({
        chatId: id,
        userId: staying,
        found: {
          messages: messages.map(({ ordinal: _, versions: __, ...message }) =>
            structuredClone(message),
          ),
          participants: [staying],
        },
      })),
      stayingId: staying,
    } satisfies LeftBehind,
  };
}

const archive: Chat = {
  id: 800,
  name: "archive",
  is_named: true,
  owner_id: staying,
  is_group: true,
  is_ai_chat: false,
  picture_url: null,
  created_at: at,
  last_seq: 3,
  updated_seq: 0,
  settings: {
    model: null,
    persona: null,
    temperature: null,
    thinking_budget: null,
    google_search: false,
  },
};
const contents = ["first", "second 🙂", "third"];
const line = (body: object) => `${JSON.stringify(body)}\n`;

/** Exports as the server makes them. */
export function goodExports(): ExportHistory {
  const messages = contents.map((content, index) =>
    newMessage({
      id: 801 + index,
      chat_id: archive.id,
      seq: index + 1,
      updated_seq: index + 1,
      user_id: staying,
      username: "stays",
      content,
      created_at: at,
    }),
  );
  const ofChat = (["jsonl", "md", "html"] as const).map((kind): ExportRecord => {
    const { head, message, tail } = formats[kind];
    const text = [head(archive, at), ...messages.map(message), tail("complete", messages.length)];
    return { kind, text: text.join(""), isBroken: false };
  });
  const account = [
    line({ type: "export", version: 1, exported_at: at }),
    ...messages.map((message) => line({ type: "message", content: message.content })),
    line({ type: "end", complete: true }),
  ];
  return {
    records: [...ofChat, { kind: "account", text: account.join(""), isBroken: false }],
    contents: [...contents],
  };
}
