// Messages that come by incoming webhooks.
import { hashSecret } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import { mentionsOf } from "../messages/mentions.ts";
import { publish } from "../messages/send.ts";
import type { HookMessage } from "../wire/incoming-webhooks.ts";
import { Problem } from "../wire/problems.ts";
import { findHook, noteHookUse, type HeldHook } from "./queries.ts";

const secretPattern = /^[\w-]{43}$/;

/** The incoming webhook of an address. @throws Problem `not_found`, in the same words for every address that is none */
export async function readHook(ctx: Ctx, secret: string): Promise<HeldHook> {
  // Only a text that has the form of a secret is looked up.
  const isSecret = secretPattern.test(secret);
  const hook = isSecret ? await findHook(ctx.sql, hashSecret(secret)) : undefined;
  if (!hook) throw hookNotFound();
  return hook;
}

function hookNotFound(): Problem {
  return new Problem(
    "not_found",
    "There is no such incoming webhook. It may have been revoked: ask the owner of the chat for a new address.",
  );
}

/**
 * Stores a message of an incoming webhook and shows it. It asks the model nothing, and mentions people, but not everybody.
 * @param idempotencyKey a repeated message with the same one is stored once; another text with it is refused
 * @throws Problem `not_found`, `client_id_reused`
 */
export async function postByHook(
  ctx: Ctx,
  hook: HeldHook,
  content: string,
  idempotencyKey: string | undefined,
): Promise<HookMessage> {
  const { chat_id: chatId, user_id: userId, username } = hook;
  const { userIds, quietIds } = await mentionsOf(
    ctx,
    { id: userId, isHook: true },
    chatId,
    content,
  );
  const result = await ctx.grouped.insertMessage({
    ...{ chatId, userId, username, content },
    clientId: idempotencyKey,
    runId: undefined,
    asksNothing: true,
    isByHook: true,
    mentions: userIds,
  });
  // It was revoked, or its chat was deleted, a moment ago.
  if (result.outcome === "stranger") throw hookNotFound();
  const { message } = publish(ctx, result, { content, client_id: idempotencyKey }, quietIds);
  if (!hook.is_used) await noteUse(ctx, hook.id);
  return { ok: true, message_id: message.id, seq: message.seq };
}

/** Notes that a webhook was used, as the owner is shown it. A failure refuses nothing. */
async function noteUse(ctx: Ctx, hookId: number): Promise<void> {
  try {
    await noteHookUse(ctx.sql, hookId);
  } catch (error) {
    ctx.log.warn({ err: error, hookId }, "the use of an incoming webhook was not noted");
  }
}
