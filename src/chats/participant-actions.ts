// Participants of a chat: inviting, leaving and removing.
import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import { personBlocked } from "../accounts/blocks.ts";
import { findUsersByName } from "../accounts/user-queries.ts";
import { databaseError, isDatabaseAway } from "../database/connect.ts";
import { groupSizeMax, type Chat, type Participant } from "../wire/chats.ts";
import { Problem } from "../wire/problems.ts";
import { chatNotFound, getChat, ownerOnly, tooManyChats } from "./actions.ts";
import { nobodyNamed } from "./invitees.ts";
import { findParticipants, insertParticipant } from "./participant-queries.ts";
import { deleteParticipant, findStanding, type Standing } from "./removal-queries.ts";

/** @throws Problem `not_found` */
export async function listParticipants(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
): Promise<Participant[]> {
  const participants = await findParticipants(ctx.sql, caller.id, chatId);
  if (!participants) throw chatNotFound();
  return participants;
}

/**
 * Adds a person to a chat. Any participant may do that; somebody who is in the chat already stays in it.
 * @throws Problem `not_found`, also for somebody who has blocked the caller, `person_blocked`, `chat_full`, `too_many_chats`
 */
export async function inviteToChat(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  username: string,
): Promise<{ message: string; participant: Participant }> {
  const chat = await getChat(ctx, caller, chatId);
  const [user] = await findUsersByName(ctx.sql, [username]);
  if (!user) throw nobodyNamed(username);

  const result = await insertParticipant(ctx.sql, caller, chatId, user).catch((error: unknown) => {
    // The account was deleted at the same time.
    if (databaseError(error)?.code === "23503") throw nobodyNamed(username);
    throw error;
  });
  if (!result) throw chatNotFound();
  if (result.outcome !== "added") {
    const participants = await listParticipants(ctx, caller, chatId);
    const participant = participants.find(({ id }) => id === user.id);
    if (participant) return { message: `${user.username} is in this chat already`, participant };
    if (result.outcome === "blocks_caller") throw nobodyNamed(username);
    if (result.outcome === "blocked_by_caller") throw personBlocked(user.username);
    if (result.outcome === "full") throw chatFull(chat);
    if (result.outcome === "too_many_chats") throw tooManyChats();
    throw chatNotFound();
  }
  const { joined_at } = result;
  const participant: Participant = {
    id: user.id,
    username: user.username,
    role: "member",
    joined_at,
    created_at: user.created_at,
    display_name: user.display_name,
    avatar_url: user.avatar_url,
    is_bot_account: user.is_bot_account,
  };
  ctx.realtime.toRoom({
    type: "participant_added",
    chat_id: chatId,
    participant,
    updated_seq: result.chat.updated_seq,
  });
  ctx.realtime.toUser(
    user.id,
    {
      type: "chat_invite",
      // Before the invitation the caller was alone in a private chat.
      chat: result.chat.is_named ? result.chat : { ...result.chat, name: caller.username },
      notification: `${caller.username} invited you to ${result.chat.is_named ? result.chat.name : "a private chat"}`,
    },
    { chatId, seq: result.chat.updated_seq },
  );
  tellOfPartner(ctx, result.chat);
  return { message: `${user.username} was invited`, participant };
}

/**
 * Tells people who have not joined a private chat that has no name that they are in it with somebody, or with nobody any more: its
 * name in their lists is the other person's.
 */
function tellOfPartner(ctx: Ctx, chat: Chat): void {
  if (chat.is_named) return;
  const position = { seq: chat.updated_seq };
  ctx.realtime.toList({ type: "chat_changed", chat_id: chat.id, chat }, position);
}

function chatFull({ is_group }: Chat): Problem {
  return new Problem(
    "chat_full",
    is_group
      ? `This group holds ${groupSizeMax} people, which is the most.`
      : "A private chat holds two people, and this one has them.",
  );
}

/** @throws Problem `not_found`, `owner_cannot_leave` */
export async function leaveChat(ctx: Ctx, caller: Caller, chatId: number): Promise<void> {
  const chat = await getChat(ctx, caller, chatId);
  const name = chat.is_named ? chat.name : `your private chat with ${chat.name}`;
  await remove(ctx, caller, chat, caller.id, `You left ${name}`);
}

/**
 * Removes somebody. The owner may remove everybody else, and a moderator may remove members.
 * @throws Problem `not_found` for the chat or for a person who is not in it, `forbidden`, `owner_cannot_leave`
 */
export async function removeParticipant(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  userId: number,
): Promise<void> {
  const chat = await getChat(ctx, caller, chatId);
  if (chat.owner_id !== caller.id) {
    const standing = await findStanding(ctx.sql, caller.id, chatId, userId);
    if (!standing) throw chatNotFound();
    if (standing.caller_role === "member" || standing.role !== null) {
      if (!mayRemove(caller.id, standing)) throw await notRemoved(ctx, caller, chatId, standing);
    }
  }
  const name = chat.is_named ? chat.name : "your private chat";
  await remove(ctx, caller, chat, userId, `${caller.username} removed you from ${name}`);
}

/** Whether the person may be removed by the caller, if the person is in the chat. */
function mayRemove(callerId: number, { owner_id, caller_role, role }: Standing): boolean {
  return callerId === owner_id || (caller_role === "moderator" && role === "member");
}

/** Records the attempt and returns the problem `forbidden`. */
async function notRemoved(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  { caller_role }: Standing,
): Promise<Problem> {
  const problem = await ownerOnly(ctx, caller, chatId, "remove");
  if (caller_role !== "moderator") return problem;
  return new Problem(
    "forbidden",
    "A moderator may remove members, but neither the owner nor moderators.",
  );
}

async function remove(
  ctx: Ctx,
  caller: Caller,
  chat: Chat,
  userId: number,
  notification: string,
): Promise<void> {
  if (userId === chat.owner_id) throw ownerCannotLeave();
  // This precedes the commit: the reply to a message that is stored after the removal may overtake the reply to the removal.
  const end = ctx.gateway.beginRemoval(userId, chat.id);
  let isInDoubt = false;
  try {
    const { username, chat: after } = await removeNow(ctx, caller, chat, userId);
    const { updated_seq: removedSeq } = after;
    ctx.realtime.toRoom({
      type: "participant_removed",
      chat_id: chat.id,
      user_id: userId,
      username,
      updated_seq: removedSeq,
    });
    ctx.realtime.toUser(
      userId,
      { type: "removed_from_chat", chat_id: chat.id, notification },
      { chatId: chat.id, seq: removedSeq },
    );
    tellOfPartner(ctx, after);
  } catch (error) {
    // The statement may be committed yet, when the person's sockets are back.
    isInDoubt = isDatabaseAway(error);
    throw error;
  } finally {
    end({ isInDoubt });
  }
}

/** Closes the sockets of a person who was perhaps removed: their clients reconnect, and load their chats. */
async function removeNow(
  ctx: Ctx,
  caller: Caller,
  chat: Chat,
  userId: number,
): Promise<{ username: string; chat: Chat }> {
  const result = await deleteParticipant(ctx.sql, caller, chat.id, userId).catch(
    (error: unknown) => {
      ctx.gateway.disconnectUser(userId);
      throw error;
    },
  );
  // A person who leaves but is not a participant has left before.
  if (!result && userId === caller.id) throw chatNotFound();
  if (result?.removed) return result.removed;
  const standing = result?.standing;
  const isUnchanged = standing?.owner_id === chat.owner_id;
  if (isUnchanged && (standing.role === null || mayRemove(caller.id, standing))) {
    throw new Problem("not_found", "This person is not in the chat.");
  }
  // The chat has a new owner or the caller another role meanwhile, and the person may still be in it.
  ctx.gateway.disconnectUser(userId);
  if (!standing) throw chatNotFound();
  if (userId === standing.owner_id && userId === caller.id) throw ownerCannotLeave();
  throw await notRemoved(ctx, caller, chat.id, standing);
}

function ownerCannotLeave(): Problem {
  return new Problem(
    "owner_cannot_leave",
    "The owner cannot leave. Hand the chat over to somebody first, or delete it.",
  );
}
