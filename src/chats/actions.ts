import { record } from "../audit/audit.ts";
import type { Caller } from "../accounts/access-tokens.ts";
import { allowsChat, hasScope } from "../accounts/grants.ts";
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import type { NamedUser } from "../accounts/user-queries.ts";
import {
  chatNotFoundDetail,
  chatsPerUserMax,
  groupSizeMax,
  type Chat,
  type ChatSummary,
  type CreateChatInput,
  type UpdateChatInput,
} from "../wire/chats.ts";
import type { UserFrame } from "../wire/list-frames.ts";
import { Problem } from "../wire/problems.ts";
import { findOthers, refuseBlocked } from "./invitees.ts";
import { findPrivateChat, insertChat } from "./new-chat-queries.ts";
import { deleteChat, findChat, updateChat } from "./queries.ts";
import { findChatSummaries } from "./summary-queries.ts";

const chatNameMax = 100;

/** The first message of an AI chat. It tells people that every message there is answered. */
const greeting =
  "Hello! I am Gemini. In this chat I answer every message, whoever of you writes it: just ask, no /bot is needed here.";

/** Problem `not_found` for a chat that doesn't exist and for one that the caller is not in, so that neither can be told apart. */
export function chatNotFound(): Problem {
  return new Problem("not_found", chatNotFoundDetail);
}

/**
 * Opens a chat. If two people have a private chat already, a request for another one returns it unchanged.
 * @throws Problem `not_found` for unknown usernames and those of people who have blocked the caller, `person_blocked`, `chat_full`, `too_many_chats`
 */
export async function createChat(ctx: Ctx, caller: Caller, input: CreateChatInput): Promise<Chat> {
  const usernames = input.participant_usernames ?? [];
  const others = await findOthers(ctx, caller, usernames);
  const isPrivate = !input.is_group && !input.is_ai_chat;
  const partner = isPrivate && others.length === 1 ? others[0] : undefined;
  // An existing private chat is returned even after a block, which must not be noticeable.
  const known = partner && (await findPrivateChat(ctx.sql, caller.id, partner.id));
  if (known) return known;
  await refuseBlocked(ctx, caller, others, usernames);
  if (!input.is_group && others.length > 1) {
    throw new Problem("chat_full", "A private chat holds two people. Make it a group to add more.");
  }
  if (others.length >= groupSizeMax) {
    throw new Problem("chat_full", `A group holds at most ${groupSizeMax} people.`);
  }
  const chat = await insertChat(ctx.sql, {
    name: input.name || defaultName(caller, others, input.is_ai_chat),
    isNamed: Boolean(input.name) || !isPrivate,
    partnerId: partner?.id,
    owner: caller,
    isGroup: input.is_group,
    isAiChat: input.is_ai_chat,
    participantIds: others.map((user) => user.id),
    greeting: input.is_ai_chat ? greeting : undefined,
  }).catch(accountGone);
  if (!chat) {
    // The other person may have opened it at the same time.
    const raced = partner && (await findPrivateChat(ctx.sql, caller.id, partner.id));
    if (raced) return raced;
    await refuseBlocked(ctx, caller, others, usernames);
    throw tooManyChats();
  }
  return announceChat(ctx, caller, chat, others);
}

/** Tells every participant of a new chat. @returns the chat as the caller sees it */
function announceChat(ctx: Ctx, caller: Caller, chat: Chat, others: NamedUser[]): Chat {
  const { is_named: isNamed, name } = chat;
  const change = { chatId: chat.id, seq: chat.last_seq };
  for (const user of others) {
    const title = isNamed ? name : "a private chat";
    const frame: UserFrame = {
      type: "chat_created",
      chat: isNamed ? chat : { ...chat, name: caller.username },
      notification: `${caller.username} added you to ${title}`,
    };
    // They may have left the chat while the reply was on its way.
    ctx.realtime.toUser(user.id, frame, change);
  }
  const [partner] = others;
  const seen = isNamed || !partner ? chat : { ...chat, name: partner.username };
  const title = isNamed ? name : `a private chat${partner ? ` with ${partner.username}` : ""}`;
  ctx.realtime.toUser(caller.id, {
    type: "chat_created",
    chat: seen,
    notification: `You created ${title}`,
  });
  return seen;
}

function defaultName(caller: Caller, others: NamedUser[], isAiChat: boolean): string {
  if (isAiChat) return "Gemini";
  return [caller, ...others]
    .map((user) => user.username)
    .join(", ")
    .slice(0, chatNameMax);
}

/** Turns the violated foreign key into a problem: a token outlives its account when the database was replaced. */
function accountGone(error: unknown): never {
  if (databaseError(error)?.code === "23503") {
    throw new Problem("invalid_token", "This account does not exist any more.", { cause: error });
  }
  throw error;
}

/** Problem `too_many_chats`. It does not tell who is in too many chats. */
export function tooManyChats(): Problem {
  return new Problem(
    "too_many_chats",
    `Somebody is in ${chatsPerUserMax} chats already, which is the most.`,
  );
}

/** The caller's chats, newest activity first. A key sees those that it may be used in, and texts of messages only with `messages:read`. */
export async function listChats(ctx: Ctx, caller: Caller): Promise<ChatSummary[]> {
  const { grant } = caller;
  const found = await findChatSummaries(ctx.sql, caller.id);
  if (!grant) return found;
  return found.filter(({ id }) => allowsChat(grant, id)).map((chat) => summaryFor(caller, chat));
}

/** A chat as the caller's key may show it: without the text of its newest message if the key reads no messages. */
export function summaryFor({ grant }: Caller, chat: ChatSummary): ChatSummary {
  return hasScope(grant, "messages:read") ? chat : { ...chat, last_message: null };
}

/** @throws Problem `not_found` */
export async function getChat(ctx: Ctx, caller: Caller, chatId: number): Promise<Chat> {
  const chat = await findChat(ctx.sql, caller.id, chatId);
  if (!chat) throw chatNotFound();
  return chat;
}

/**
 * Renames a chat, transfers it to another owner, or changes the model's settings in it.
 * @throws Problem `not_found`, `forbidden`, `invalid` when the new owner is not a participant or the model is not allowed
 */
export async function changeChat(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: UpdateChatInput,
): Promise<Chat> {
  checkModel(ctx, input.settings?.model);
  const result = await updateChat(ctx.sql, caller, chatId, {
    name: input.name,
    ownerId: input.owner_id,
    settings: input.settings,
  });
  if (!result) throw chatNotFound();
  const { chat, shown_name, outcome } = result;
  if (outcome === "not_owner") throw await ownerOnly(ctx, caller, chatId, "change_chat");
  if (outcome === "no_heir") {
    const detail = "The new owner must be a participant of the chat.";
    throw new Problem("invalid", detail, { errors: [{ pointer: "/owner_id", detail }] });
  }
  if (outcome === "updated") {
    ctx.realtime.toRoom({
      type: "chat_updated",
      chat_id: chatId,
      chat,
      updated_seq: chat.updated_seq,
    });
    const position = { seq: chat.updated_seq };
    ctx.realtime.toList({ type: "chat_changed", chat_id: chatId, chat }, position);
  }
  return { ...chat, name: shown_name };
}

function checkModel(ctx: Ctx, model: string | null | undefined): void {
  const { models } = ctx.config.gemini;
  if (model == null || models.includes(model)) return;
  const detail = `must be ${models.length > 1 ? "one of " : ""}${models.join(", ")}`;
  throw new Problem("invalid", `settings.model: ${detail}`, {
    errors: [{ pointer: "/settings/model", detail }],
  });
}

const ownersDeeds = {
  change_chat: "change it",
  change_role: "change roles",
  create_hook: "create incoming webhooks",
  delete_chat: "delete it",
  remove: "remove people",
  revoke_hook: "revoke incoming webhooks",
} as const;

/** Records the attempt and returns the problem `forbidden` for an action that is reserved for the owner. */
export async function ownerOnly(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  action: keyof typeof ownersDeeds,
): Promise<Problem> {
  await record(ctx, {
    action,
    outcome: "forbidden",
    actor: caller,
    target: `chat:${chatId}`,
    source: caller.source,
  });
  return new Problem("forbidden", `Only the chat's owner may ${ownersDeeds[action]}.`);
}

/** @throws Problem `not_found`, `forbidden` */
export async function endChat(ctx: Ctx, caller: Caller, chatId: number): Promise<void> {
  const result = await deleteChat(ctx.sql, caller, chatId);
  if (!result) throw chatNotFound();
  if (!result.deleted) throw await ownerOnly(ctx, caller, chatId, "delete_chat");
  ctx.answers.abandonChat(chatId);
  ctx.realtime.endRoom(chatId);
  for (const userId of result.participant_ids) {
    ctx.realtime.toUser(userId, {
      type: "chat_deleted",
      chat_id: chatId,
      notification: `${result.name} was deleted`,
    });
  }
}
