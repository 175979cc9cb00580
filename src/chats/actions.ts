import type { Caller } from "../auth/tokens.ts";
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import { chatTopic, userTopic } from "../events/topics.ts";
import { findUsersByName, type NamedUser } from "../users/queries.ts";
import {
  chatsPerUserMax,
  groupSizeMax,
  type Chat,
  type ChatSummary,
  type CreateChatInput,
  type Participant,
  type UpdateChatInput,
} from "../wire/chats.ts";
import { Problem } from "../wire/problems.ts";
import {
  deleteParticipant,
  findParticipants,
  insertParticipant,
  updateReadPosition,
} from "./participant-queries.ts";
import { deleteChat, findChat, findChatSummaries, insertChat, updateChat } from "./queries.ts";

const chatNameMax = 100;

/** The same for a chat that doesn't exist and one the caller is not in: nobody learns which chats there are. */
export function chatNotFound(): Problem {
  return new Problem("not_found", "There is no such chat, or you are not in it.");
}

/** @throws Problem `not_found` for unknown usernames, `chat_full`, `too_many_chats` */
export async function createChat(ctx: Ctx, caller: Caller, input: CreateChatInput): Promise<Chat> {
  const others = await findOthers(ctx, caller, input.participant_usernames ?? []);
  if (!input.is_group && others.length > 1) {
    throw new Problem("chat_full", "A private chat holds two people. Make it a group to add more.");
  }
  if (others.length >= groupSizeMax) {
    throw new Problem("chat_full", `A group holds at most ${groupSizeMax} people.`);
  }
  const chat = await insertChat(ctx.sql, {
    name: input.name || defaultName(caller, others, input.is_ai_chat),
    ownerId: caller.id,
    isGroup: input.is_group,
    isAiChat: input.is_ai_chat,
    participantIds: others.map((user) => user.id),
  }).catch(accountGone);
  if (!chat) throw tooManyChats();
  for (const user of others) {
    ctx.publish(userTopic(user.id), {
      type: "chat_created",
      chat,
      notification: `${caller.username} added you to ${chat.name}`,
    });
  }
  ctx.publish(userTopic(caller.id), {
    type: "chat_created",
    chat,
    notification: `You created ${chat.name}`,
  });
  return chat;
}

async function findOthers(ctx: Ctx, caller: Caller, usernames: string[]): Promise<NamedUser[]> {
  if (usernames.length === 0) return [];
  const found = await findUsersByName(ctx.sql, usernames);
  const known = new Set(found.map((user) => user.username.toLowerCase()));
  const unknown = usernames.filter((username) => !known.has(username.toLowerCase()));
  if (unknown.length > 0) throw nobodyNamed(unknown.slice(0, 5).join(", "));
  return found.filter((user) => user.id !== caller.id);
}

function nobodyNamed(names: string): Problem {
  return new Problem("not_found", `Nobody is registered under the name ${names}.`);
}

function defaultName(caller: Caller, others: NamedUser[], isAiChat: boolean): string {
  if (isAiChat) return "Gemini";
  return [caller, ...others]
    .map((user) => user.username)
    .join(", ")
    .slice(0, chatNameMax);
}

/** A token outlives a database that was wiped: its person is then nobody. */
function accountGone(error: unknown): never {
  if (databaseError(error)?.code === "23503") {
    throw new Problem("invalid_token", "This account does not exist any more.", { cause: error });
  }
  throw error;
}

function tooManyChats(): Problem {
  return new Problem(
    "too_many_chats",
    `Somebody is in ${chatsPerUserMax} chats already, which is the most.`,
  );
}

export async function listChats(ctx: Ctx, caller: Caller): Promise<ChatSummary[]> {
  return await findChatSummaries(ctx.sql, caller.id);
}

/** @throws Problem `not_found` */
export async function getChat(ctx: Ctx, caller: Caller, chatId: number): Promise<Chat> {
  const chat = await findChat(ctx.sql, caller.id, chatId);
  if (!chat) throw chatNotFound();
  return chat;
}

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

/** Any participant may. Somebody who is there already stays. @throws Problem `not_found`, `chat_full`, `too_many_chats` */
export async function inviteToChat(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  username: string,
): Promise<{ message: string; participant: Participant }> {
  const chat = await getChat(ctx, caller, chatId);
  const [user] = await findUsersByName(ctx.sql, [username]);
  if (!user) throw nobodyNamed(username);

  const result = await insertParticipant(ctx.sql, caller.id, chatId, user.id);
  if (!result) throw chatNotFound();
  if (result.outcome !== "added") {
    const participants = await listParticipants(ctx, caller, chatId);
    const participant = participants.find(({ id }) => id === user.id);
    if (participant) return { message: `${user.username} is in this chat already`, participant };
    if (result.outcome === "full") throw chatFull(chat);
    if (result.outcome === "too_many_chats") throw tooManyChats();
    throw chatNotFound();
  }
  const participant: Participant = { ...user, role: "member", joined_at: result.joined_at };
  ctx.publish(chatTopic(chatId), {
    type: "participant_added",
    chat_id: chatId,
    participant,
    updated_seq: result.chat.updated_seq,
  });
  ctx.publish(userTopic(user.id), {
    type: "chat_invite",
    chat: result.chat,
    notification: `${caller.username} invited you to ${result.chat.name}`,
  });
  return { message: `${user.username} was invited`, participant };
}

function chatFull({ is_group }: Chat): Problem {
  return new Problem(
    "chat_full",
    is_group
      ? `This group holds ${groupSizeMax} people, which is the most.`
      : "A private chat holds two people, and this one has them.",
  );
}

/** Renames a chat or hands it over. @throws Problem `not_found`, `forbidden`, `invalid` when the heir is no participant */
export async function changeChat(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: UpdateChatInput,
): Promise<Chat> {
  const result = await updateChat(ctx.sql, caller.id, chatId, {
    name: input.name,
    ownerId: input.owner_id,
  });
  if (!result) throw chatNotFound();
  const { chat, outcome } = result;
  if (outcome === "not_owner") throw ownerOnly("change it");
  if (outcome === "no_heir") {
    const detail = "The new owner must be a participant of the chat.";
    throw new Problem("invalid", detail, { errors: [{ pointer: "/owner_id", detail }] });
  }
  if (outcome === "updated") {
    ctx.publish(chatTopic(chatId), {
      type: "chat_updated",
      chat_id: chatId,
      chat,
      updated_seq: chat.updated_seq,
    });
  }
  return chat;
}

function ownerOnly(what: string): Problem {
  return new Problem("forbidden", `Only the chat's owner may ${what}.`);
}

/** @throws Problem `not_found`, `forbidden` */
export async function endChat(ctx: Ctx, caller: Caller, chatId: number): Promise<void> {
  const result = await deleteChat(ctx.sql, caller.id, chatId);
  if (!result) throw chatNotFound();
  if (!result.deleted) throw ownerOnly("delete it");
  ctx.replies.abandonChat(chatId);
  ctx.rooms.end(chatId);
  for (const userId of result.participant_ids) {
    ctx.publish(userTopic(userId), {
      type: "chat_deleted",
      chat_id: chatId,
      notification: `${result.name} was deleted`,
    });
  }
}

/** @throws Problem `not_found`, `owner_cannot_leave` */
export async function leaveChat(ctx: Ctx, caller: Caller, chatId: number): Promise<void> {
  const chat = await getChat(ctx, caller, chatId);
  await remove(ctx, caller, chat, caller.id, `You left ${chat.name}`);
}

/** @throws Problem `not_found` for the chat or a person who is not in it, `forbidden`, `owner_cannot_leave` */
export async function removeParticipant(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  userId: number,
): Promise<void> {
  const chat = await getChat(ctx, caller, chatId);
  if (chat.owner_id !== caller.id) throw ownerOnly("remove people");
  await remove(ctx, caller, chat, userId, `${caller.username} removed you from ${chat.name}`);
}

async function remove(
  ctx: Ctx,
  caller: Caller,
  chat: Chat,
  userId: number,
  notification: string,
): Promise<void> {
  if (userId === chat.owner_id) throw ownerCannotLeave();
  // Before the commit: the reply to a message that is written after it may be faster than its own.
  ctx.unfollow(userId, chat.id);
  const result = await deleteParticipant(ctx.sql, caller.id, chat.id, userId).catch(
    (error: unknown) => {
      // Whether they are out is unknown: their sockets come back and ask.
      ctx.disconnectUser(userId);
      throw error;
    },
  );
  // Who leaves and is not in it has left before.
  if (!result && userId === caller.id) throw chatNotFound();
  if (!result || result.removed_seq === null || result.username === null) {
    if (result?.owner_id === chat.owner_id) {
      throw new Problem("not_found", "This person is not in the chat.");
    }
    // It was handed over in between, and they may still be in it.
    ctx.disconnectUser(userId);
    if (!result) throw chatNotFound();
    throw userId === result.owner_id ? ownerCannotLeave() : ownerOnly("remove people");
  }
  ctx.publish(chatTopic(chat.id), {
    type: "participant_removed",
    chat_id: chat.id,
    user_id: userId,
    username: result.username,
    updated_seq: result.removed_seq,
  });
  ctx.publish(userTopic(userId), {
    type: "removed_from_chat",
    chat_id: chat.id,
    notification,
  });
}

function ownerCannotLeave(): Problem {
  return new Problem(
    "owner_cannot_leave",
    "The owner cannot leave. Hand the chat over to somebody first, or delete it.",
  );
}

/** Moves the read position, never back. @throws Problem `not_found` */
export async function markRead(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  seq: number | undefined,
): Promise<number> {
  const position = await updateReadPosition(ctx.sql, caller.id, chatId, seq);
  if (position === undefined) throw chatNotFound();
  return position;
}
