// Creating, listing and revoking the incoming webhooks of a chat.
import { hashSecret, makeSecret, type Caller } from "../accounts/access-tokens.ts";
import { chatNotFound, ownerOnly } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import {
  incomingWebhooksPerChatMax,
  type CreatedIncomingWebhook,
  type CreateIncomingWebhookInput,
  type IncomingWebhook,
} from "../wire/incoming-webhooks.ts";
import { isReservedUsername } from "../wire/mentions.ts";
import { Problem } from "../wire/problems.ts";
import { deleteHook, findHooks, insertHook } from "./queries.ts";

/** Tries of usernames: that of the name, then some with random letters. */
const usernameTries = 4;
const usernameStemMax = 24;

/**
 * Creates an incoming webhook for a chat. Its address is in the result only.
 * @throws Problem `not_found`, `forbidden` for people other than the owner and for a chat that is no group, `too_many_hooks`
 */
export async function createHook(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  { name }: CreateIncomingWebhookInput,
): Promise<CreatedIncomingWebhook> {
  const secret = makeSecret();
  const result = await withFreeUsername(name, (username) =>
    insertHook(ctx.sql, caller, { chatId, name, username, secretHash: hashSecret(secret) }),
  );
  if (!result) throw chatNotFound();
  if (result.outcome === "not_owner") throw await ownerOnly(ctx, caller, chatId, "create_hook");
  // The other person could not get rid of it by a block.
  if (result.outcome === "private") {
    throw new Problem(
      "forbidden",
      "Only groups have incoming webhooks. Create a group for the messages.",
    );
  }
  if (result.outcome === "full") {
    throw new Problem(
      "too_many_hooks",
      `This chat has ${incomingWebhooksPerChatMax} incoming webhooks, which is the most. Revoke one first.`,
    );
  }
  return { ...result.hook, url: `${ctx.config.publicUrl.replace(/\/+$/, "")}/hooks/${secret}` };
}

/** Repeats an insert with other usernames until one of them is free. */
async function withFreeUsername<T>(
  name: string,
  insert: (username: string) => Promise<T>,
): Promise<T> {
  const stem = usernameOf(name);
  for (let n = isReservedUsername(stem) ? 2 : 1; ; n += 1) {
    try {
      return await insert(n === 1 ? stem : `${stem}-${randomLetters()}`);
    } catch (error) {
      const isTaken = databaseError(error)?.constraint === "users_username_key";
      if (!isTaken || n >= usernameTries) throw error;
    }
  }
}

/** The characters of a name that a username may have: names in other scripts become `webhook`. */
function usernameOf(name: string): string {
  const letters = name
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^A-Za-z0-9_.]+/g, "-")
    .slice(0, usernameStemMax)
    .replaceAll(/^[-.]+|[-.]+$/g, "");
  return letters.length < 2 ? "webhook" : letters;
}

const randomLetters = () => crypto.randomUUID().slice(0, 6);

/** The incoming webhooks of a chat, the latest first. @throws Problem `not_found`, `forbidden` for people other than the owner */
export async function listHooks(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
): Promise<IncomingWebhook[]> {
  const found = await findHooks(ctx.sql, caller.id, chatId);
  if (!found) throw chatNotFound();
  if (found === "not_owner") {
    throw new Problem("forbidden", "Only the chat's owner may see its incoming webhooks.");
  }
  return found;
}

/** Revokes an incoming webhook. What came by it stays. @throws Problem `not_found`, `forbidden` for people other than the owner */
export async function revokeHook(
  ctx: Ctx,
  caller: Caller,
  ids: { chatId: number; hookId: number },
): Promise<void> {
  const result = await deleteHook(ctx.sql, caller, ids);
  if (!result) throw chatNotFound();
  if (!result.is_owner) throw await ownerOnly(ctx, caller, ids.chatId, "revoke_hook");
  if (!result.deleted) {
    throw new Problem("not_found", "This chat has no such incoming webhook.");
  }
}
