// The queries of messages: pages, the log, writes, and what an answer is made from.
import { readArrivals } from "../../../src/accounts/socket-queries.ts";
import { claimAbandonedRuns } from "../../../src/answers/budget/abandoned-runs.ts";
import { findPastMessages, findRoomWithPast } from "../../../src/answers/prompt/queries.ts";
import type { Sql } from "../../../src/database/connect.ts";
import { createReadLog } from "../../../src/log/replay.ts";
import { insertMessages } from "../../../src/log/insert.ts";
import { findMessages } from "../../../src/log/page-queries.ts";
import { markDeleted, updateContent } from "../../../src/messages/queries.ts";
import { findVersions } from "../../../src/messages/version-queries.ts";
import { storeReactions } from "../../../src/reactions/queries.ts";
import { findMentionable } from "../../../src/log/mention-queries.ts";
import { busyChat, me, quietChat } from "../../world/filled.ts";
import { source, type PlanCase } from "./plan-case.ts";

const page = { after: undefined, before: undefined, fromOldest: false, limit: 51 };
export const fromMe = { chatId: busyChat, userId: me, username: "user1", runId: undefined };
/** The message of a chat of one message, which its owner has written. */
const messageOf = (chatId: number) => ({ chatId, messageId: 10_000 + chatId - 1 });
const edited = 100;
let deletable = 200;
const readLog = (sql: Sql, after: number, limit: number) =>
  createReadLog(sql)(busyChat, after, limit);

export const messagePlans: PlanCase[] = [
  {
    what: "the newest page of a chat",
    run: (sql) => findMessages(sql, me, busyChat, page),
    rows: { messages: 51 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "an older page",
    run: (sql) => findMessages(sql, me, busyChat, { ...page, before: 5_000 }),
    rows: { messages: 51 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "a newer page",
    run: (sql) => findMessages(sql, me, busyChat, { ...page, after: 5_000, fromOldest: true }),
    rows: { messages: 51 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "people of a chat by name, for a mention",
    run: (sql) =>
      findMentionable(sql, me, busyChat, { names: ["user41", "user81"], everyone: false }),
    rows: { chats: 1, users: 2, chat_participants: 3 },
    by: ["users_username_key"],
  },
  {
    what: "a message with mentions",
    run: (sql) =>
      insertMessages(
        sql,
        [
          {
            ...fromMe,
            chatId: quietChat,
            userId: quietChat,
            content: "@user4 @user5",
            clientId: undefined,
            mentions: [4, 5],
          },
        ],
        { leaseSeconds: 6 },
      ),
    rows: { chats: 2, chat_participants: 4 },
    by: ["chat_participants_user_id_idx"],
  },
  {
    what: "what a client has missed, new and changed",
    run: (sql) => readArrivals(sql, [{ userId: me, chatId: busyChat, afterSeq: 9_900 }]),
    rows: { messages: 100 + 100 },
    by: ["messages_chat_id_seq_key", "messages_changed_key"],
  },
  {
    what: "messages that are missing among a room's numbers",
    run: (sql) => readLog(sql, 9_900, 100),
    rows: { messages: 100, chat_changes: 0 },
    by: ["messages_chat_id_seq_key", "chat_changes_pkey"],
  },
  {
    what: "changes that are missing among a room's numbers",
    run: (sql) => readLog(sql, 25_000, 1_000),
    rows: { messages: 10, chat_changes: 20 },
    by: ["messages_pkey", "chat_changes_pkey"],
  },
  {
    what: "a message that is sent again",
    run: (sql) =>
      insertMessages(sql, [{ ...fromMe, content: "message 50", clientId: "c50" }], {
        leaseSeconds: 6,
      }),
    // It is found by its client id, and then read.
    rows: { chats: 1, chat_participants: 1, messages: 2, message_versions: 1 },
    by: ["messages_client_id_key", "messages_pkey", "message_versions_pkey"],
  },
  {
    what: "a message that is edited",
    run: (sql) =>
      updateContent(sql, edited, messageOf(edited), {
        hasNoQuestion: false,
        content: crypto.randomUUID(),
        ifSeq: undefined,
        mentions: [],
      }),
    // The chat and the message are found twice: to be locked, and to be changed.
    rows: { chats: 2, chat_participants: 1, messages: 2, message_versions: 3 },
    by: ["messages_pkey", "message_versions_pkey"],
  },
  {
    what: "a message that is deleted",
    run: (sql) => {
      deletable += 1;
      const owner = { id: deletable, username: "owner", source };
      return markDeleted(sql, owner, messageOf(deletable));
    },
    rows: { chats: 2, chat_participants: 1, messages: 2 },
    by: ["messages_pkey"],
  },
  {
    what: "the texts of a message",
    run: (sql) => findVersions(sql, me, busyChat, 2_000),
    rows: { chat_participants: 1, messages: 1, message_versions: 1 },
    by: ["messages_pkey", "message_versions_pkey"],
  },
  {
    what: "twenty messages at once",
    run: (sql) =>
      insertMessages(
        sql,
        Array.from({ length: 20 }, () => ({
          ...fromMe,
          chatId: quietChat,
          userId: quietChat,
          content: "new",
          clientId: crypto.randomUUID(),
        })),
        { leaseSeconds: 6 },
      ),
    // The chat is found twice: to be locked, and to be counted up.
    rows: { chats: 2, chat_participants: 40, messages: 0 },
    by: ["messages_client_id_key"],
  },
  {
    what: "reactions of twenty people at once",
    run: async (sql) => {
      const [message] = (await findMessages(sql, me, busyChat, { ...page, limit: 1 })) ?? [];
      const people = Array.from({ length: 20 }, (_, n) => 1 + n * 40);
      const change = { chatId: busyChat, messageId: message?.id ?? 0, emoji: "👍", on: true };
      return await storeReactions(
        sql,
        people.map((userId) => ({ ...change, userId })),
      );
    },
    // The chat and the message are found twice: to be locked, and to be changed.
    rows: { chats: 2, chat_participants: 21, messages: 4, message_reactions: 0 },
    by: ["messages_pkey"],
  },
  {
    what: "what a prompt is made from",
    run: (sql) => findPastMessages(sql, busyChat, { upToSeq: 9_000, limit: 200, bytesMax: 96_000 }),
    rows: { messages: 200 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "a room with what a prompt is made from",
    run: (sql) =>
      findRoomWithPast(sql, me, busyChat, { upToSeq: 9_000, limit: 200, bytesMax: 96_000 }),
    rows: { chats: 1, chat_participants: 1, messages: 200 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "answers whose server is gone",
    run: (sql) => claimAbandonedRuns(sql, [], 100),
    rows: { answer_runs: 6 },
    by: ["answer_runs_lease_expires_at_idx"],
  },
];
