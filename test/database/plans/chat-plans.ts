// The queries of chats: lists, memberships, and read positions.
import { readArrivals } from "../../../src/accounts/socket-queries.ts";
import { findParticipants, isParticipant } from "../../../src/chats/participant-queries.ts";
import { findPrivateChat } from "../../../src/chats/new-chat-queries.ts";
import { findChatSummaries } from "../../../src/chats/summary-queries.ts";
import { findRoomReads, updateReadPosition } from "../../../src/receipts/position-queries.ts";
import { findReaders, findReceipts } from "../../../src/receipts/queries.ts";
import { busyChat, busyPeople, me, myChats, quietChat } from "../../world/filled.ts";
import type { PlanCase } from "./plan-case.ts";

/** The person has written nothing up to here and some numbers above it. */
let readTo = 3;

export const chatPlans: PlanCase[] = [
  {
    what: "a person's chats, with what is unread in each",
    run: (sql) => findChatSummaries(sql, me),
    // The newest message and the last read one of each chat; one mention to see that there are any, and those of two chats.
    rows: {
      chat_participants: myChats,
      chats: myChats,
      messages: 2 * myChats,
      message_mentions: 1 + 1_000 + 47,
    },
    by: ["chat_participants_user_id_idx", "messages_chat_id_seq_key", "message_mentions_pkey"],
  },
  {
    what: "a read position that moves over some mentions",
    run: (sql) => updateReadPosition(sql, me, quietChat, 10),
    // The second time it does not move, and both rows are read again.
    rows: { chat_participants: 2, chats: 2, messages: 1, message_mentions: 10 },
    by: ["message_mentions_pkey"],
  },
  {
    what: "the private chat of two people",
    run: (sql) => findPrivateChat(sql, me, 3),
    // The chats that one of the two people is in are read.
    rows: { chat_participants: 2 * myChats, chats: myChats, private_chats: 2 },
    by: ["chat_participants_user_id_idx"],
  },
  {
    what: "whether somebody is in a chat",
    run: (sql) => isParticipant(sql, me, busyChat),
    rows: { chat_participants: 1 },
    by: [],
  },
  {
    what: "who is in a chat",
    run: (sql) => findParticipants(sql, me, busyChat),
    rows: { chat_participants: 1 + busyPeople },
    by: ["chat_participants_chat_id_user_id_key"],
  },
  {
    what: "who has read the newest messages",
    run: (sql) => findReceipts(sql, me, busyChat, undefined),
    rows: { messages: 200, chat_participants: busyPeople + 1, users: 1 + busyPeople },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "who has read a message",
    run: (sql) => findReaders(sql, me, busyChat, 5_000),
    rows: { messages: 1, chat_participants: 1 + busyPeople, users: 1 + busyPeople },
    by: ["messages_pkey", "chat_participants_chat_id_user_id_key"],
  },
  {
    what: "the read positions that have moved in a room",
    run: (sql) => findRoomReads(sql, busyChat, [me]),
    rows: { chats: 1, chat_participants: busyPeople, users: busyPeople },
    by: ["chat_participants_chat_id_user_id_key"],
  },
  {
    what: "a room as somebody joins it, with its read positions",
    run: (sql) => readArrivals(sql, [{ userId: me, chatId: busyChat, afterSeq: undefined }]),
    rows: { chats: 1, chat_participants: 1 + busyPeople, users: 1 + busyPeople },
    by: ["chat_participants_chat_id_user_id_key"],
  },
  {
    what: "a read position that moves",
    run: (sql) => updateReadPosition(sql, me, busyChat, (readTo += 10)),
    // The person's own messages are counted among those between the two positions.
    rows: { chats: 1, chat_participants: 2, messages: 10 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "one chat of a person's list",
    run: (sql) => findChatSummaries(sql, me, busyChat),
    rows: { chat_participants: 1, chats: 1, messages: 2 },
    by: ["messages_chat_id_seq_key"],
  },
];
