// Takes a deleted account out of its chats. Each chat is one statement, so that it can be repeated from wherever it was cut off.
import type { Ctx } from "../context.ts";
import { deletedUsername } from "../wire/deleted-username.ts";
import { findChatsToLeave, leaveForGood } from "./job-queries.ts";

const chatsPageSize = 100;

/** Takes the person of a deletion out of all chats. */
export async function leaveChats(ctx: Ctx, userId: number): Promise<void> {
  for (;;) {
    const chatIds = await findChatsToLeave(ctx.sql, userId, chatsPageSize);
    if (chatIds.length === 0) return;
    for (const chatId of chatIds) {
      if (ctx.lifecycle.closing) return;
      await leaveOne(ctx, userId, chatId);
    }
  }
}

async function leaveOne(ctx: Ctx, userId: number, chatId: number): Promise<void> {
  const end = ctx.gateway.beginRemoval(userId, chatId);
  try {
    const left = await leaveForGood(ctx.sql, userId, chatId);
    if (!left) return;
    const { chat } = left;
    if (!chat) {
      ctx.answers.abandonChat(chatId);
      ctx.realtime.endRoom(chatId);
      return;
    }
    const { last_seq: seq } = chat;
    if (left.has_new_owner) {
      const handed = { ...chat, last_seq: seq - 1, updated_seq: seq - 1 };
      ctx.realtime.toRoom({
        type: "chat_updated",
        chat_id: chatId,
        chat: handed,
        updated_seq: seq - 1,
      });
    }
    // A private chat without a name has that of the other person.
    if (left.has_new_owner || !chat.is_named) {
      ctx.realtime.toList({ type: "chat_changed", chat_id: chatId, chat }, { seq });
    }
    ctx.realtime.toRoom({
      type: "participant_removed",
      chat_id: chatId,
      user_id: userId,
      username: deletedUsername,
      updated_seq: seq,
    });
  } finally {
    end({ isInDoubt: false });
  }
}
