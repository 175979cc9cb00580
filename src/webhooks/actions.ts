// Webhooks: addresses that are told of the events of a chat, by its owner's wish, or of what concerns a person.
import { sessionEnded } from "../accounts/authentication.ts";
import type { Caller } from "../accounts/access-tokens.ts";
import { requireRecentSignIn } from "../accounts/recent-sign-in.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { inPages } from "../schedule.ts";
import { Problem } from "../wire/problems.ts";
import {
  ChatEvent,
  PersonEvent,
  webhooksPerChatMax,
  webhooksPerPersonMax,
  type CreateChatWebhookInput,
  type CreatedWebhook,
  type CreateWebhookInput,
  type Delivery,
  type UpdateWebhookInput,
  type Webhook,
} from "../wire/webhooks.ts";
import { deleteOldDeliveries, findDeliveries, insertTest, sendAgain } from "./delivery-queries.ts";
import { addCursors, readLogs } from "./log-queries.ts";
import { insertChatWebhook, insertOwnWebhook } from "./new-webhook-queries.ts";
import {
  deleteWebhook,
  findChatWebhooks,
  findOwnWebhooks,
  findWebhook,
  replaceSecret,
  updateWebhook,
} from "./queries.ts";
import { makeWebhookSecret, sealSecret } from "./secrets.ts";

/** Statements of one pass at most. */
const passesMax = 20;
const cleanUpPageSize = 5_000;

/** @throws Problem `not_found`, `forbidden`, `invalid` for an address that is not public, `too_many_webhooks`, `invalid_token` */
export async function createChatWebhook(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  { url, events, secret = makeWebhookSecret() }: CreateChatWebhookInput,
): Promise<CreatedWebhook> {
  requirePublic(ctx, url);
  const sealedSecret = sealSecret(ctx, secret);
  const created = await insertChatWebhook(ctx.sql, caller, chatId, { url, events, sealedSecret });
  if (!created) throw chatNotFound();
  if (created.outcome === "session_ended") throw sessionEnded();
  if (created.outcome === "not_owner") throw ownerOnly();
  if (created.outcome !== "created") throw tooMany(`A chat has ${webhooksPerChatMax} webhooks`);
  return { ...created.webhook, secret };
}

/** @throws Problem `invalid` for an address that is not public, `sign_in_again`, `too_many_webhooks`, `invalid_token` */
export async function createOwnWebhook(
  ctx: Ctx,
  caller: Caller,
  { url, events, secret = makeWebhookSecret() }: CreateWebhookInput,
): Promise<CreatedWebhook> {
  requirePublic(ctx, url);
  await requireRecentSignIn(ctx, caller);
  const sealedSecret = sealSecret(ctx, secret);
  const created = await insertOwnWebhook(ctx.sql, caller, { url, events, sealedSecret });
  if (!created || created.outcome === "session_ended") throw sessionEnded();
  if (created.outcome !== "created") throw tooMany(`A person has ${webhooksPerPersonMax} webhooks`);
  return { ...created.webhook, secret };
}

function requirePublic({ outgoing }: Ctx, url: string): void {
  const detail = outgoing.faultOf(url);
  if (detail !== undefined) throw invalid("/url", detail);
}

function invalid(pointer: string, detail: string): Problem {
  return new Problem("invalid", detail, { errors: [{ pointer, detail }] });
}

function ownerOnly(): Problem {
  return new Problem("forbidden", "Only the owner of the chat manages its webhooks.");
}

function tooMany(sentence: string): Problem {
  return new Problem("too_many_webhooks", `${sentence} at most. Delete one first.`);
}

function webhookNotFound(): Problem {
  return new Problem("not_found", "You have no such webhook.");
}

/** @throws Problem `not_found`, `forbidden` */
export async function listChatWebhooks(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
): Promise<Webhook[]> {
  const found = await findChatWebhooks(ctx.sql, caller.id, chatId);
  if (found === undefined) throw chatNotFound();
  if (found === null) throw ownerOnly();
  return found;
}

/** The caller's own webhooks, the oldest first. */
export async function listOwnWebhooks(ctx: Ctx, caller: Caller): Promise<Webhook[]> {
  return await findOwnWebhooks(ctx.sql, caller.id);
}

/** @throws Problem `not_found` also for a webhook of a chat that the caller does not own */
export async function getWebhook(ctx: Ctx, caller: Caller, webhookId: number): Promise<Webhook> {
  const webhook = await findWebhook(ctx.sql, caller.id, webhookId);
  if (!webhook) throw webhookNotFound();
  return webhook;
}

/**
 * Changes a webhook, or turns it on or off. Another address of a person's webhook takes a recent sign-in, as a new webhook does.
 * @throws Problem `not_found`, `sign_in_again`, `invalid` for an address or events that it cannot have, `invalid_token`
 */
export async function changeWebhook(
  ctx: Ctx,
  caller: Caller,
  webhookId: number,
  input: UpdateWebhookInput,
): Promise<Webhook> {
  const { chat_id: chatId, url } = await getWebhook(ctx, caller, webhookId);
  if (input.url !== undefined) requirePublic(ctx, input.url);
  const known = chatId === null ? PersonEvent : ChatEvent;
  if (input.events?.some((event) => !known.safeParse(event).success)) {
    throw invalid("/events", `events may be ${known.options.join(", ")}.`);
  }
  if (chatId === null && input.url !== undefined && input.url !== url) {
    await requireRecentSignIn(ctx, caller);
  }
  const changed = await updateWebhook(ctx.sql, caller, webhookId, input);
  if (!changed) {
    await getWebhook(ctx, caller, webhookId);
    // It is still there, so that it was the session which was not.
    throw sessionEnded();
  }
  ctx.jobs.wake();
  return changed;
}

/** Deletes a webhook. What a run has read before is sent for half a second. @throws Problem `not_found` */
export async function removeWebhook(ctx: Ctx, caller: Caller, webhookId: number): Promise<void> {
  if (!(await deleteWebhook(ctx.sql, caller, webhookId))) throw webhookNotFound();
}

/** Replaces the secret; the one before signs for another day. @throws Problem `not_found` */
export async function rotateSecret(
  ctx: Ctx,
  caller: Caller,
  webhookId: number,
  secret = makeWebhookSecret(),
): Promise<CreatedWebhook> {
  const changed = await replaceSecret(ctx.sql, caller, webhookId, sealSecret(ctx, secret));
  if (!changed) throw webhookNotFound();
  return { ...changed, secret };
}

/** The latest deliveries of a webhook, the latest first. @throws Problem `not_found` */
export async function listDeliveries(
  ctx: Ctx,
  caller: Caller,
  webhookId: number,
): Promise<Delivery[]> {
  await getWebhook(ctx, caller, webhookId);
  return await findDeliveries(ctx.sql, webhookId);
}

/** Sends a test event, also to a webhook that is off. @throws Problem `not_found` */
export async function testWebhook(ctx: Ctx, caller: Caller, webhookId: number): Promise<Delivery> {
  await getWebhook(ctx, caller, webhookId);
  const delivery = await insertTest(ctx.sql, webhookId);
  if (!delivery) throw webhookNotFound();
  ctx.jobs.wake();
  return delivery;
}

/** Sends a delivery once more, with the same `webhook-id`. @throws Problem `not_found`, `webhook_off` */
export async function redeliver(
  ctx: Ctx,
  caller: Caller,
  webhookId: number,
  deliveryId: number,
): Promise<Delivery> {
  const { is_enabled: isEnabled, off_reason: offReason } = await getWebhook(ctx, caller, webhookId);
  if (!isEnabled || offReason !== null) {
    throw new Problem("webhook_off", "The webhook is off. Turn it on first.");
  }
  const delivery = await sendAgain(ctx.sql, webhookId, deliveryId);
  if (!delivery) throw new Problem("not_found", "The webhook has no such delivery.");
  ctx.jobs.wake();
  return delivery;
}

/**
 * Makes deliveries of what has happened in chats that have webhooks. A server calls it about twice a second while there are any.
 * @returns whether any webhook is on
 */
export async function tellWebhooks(ctx: Ctx): Promise<boolean> {
  for (let pass = 0; pass < passesMax && !ctx.lifecycle.closing; pass += 1) {
    const { deliveries, isMore, isAnyOn } = await readLogs(ctx.sql);
    if (deliveries > 0) ctx.jobs.wake();
    if (!isMore) return isAnyOn;
  }
  return true;
}

/** Adds the chats that people have joined since to their own webhooks. Called every 2 s. */
export async function followNewChats(ctx: Ctx): Promise<void> {
  if ((await addCursors(ctx.sql)) > 0) ctx.jobs.wake();
}

/** Removes old deliveries. Called about every 10 minutes. */
export async function cleanUpWebhooks(ctx: Ctx): Promise<void> {
  const removed = await inPages(cleanUpPageSize, (limit) => deleteOldDeliveries(ctx.sql, limit));
  if (removed > 0) ctx.log.debug({ removed }, "removed old deliveries of webhooks");
}
