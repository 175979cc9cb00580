// Webhooks of the chats of a block: a receiver that is slow now and then, and refuses some events, and what it was told.
import { z } from "zod";
import { many, type Sql } from "../../../src/database/connect.ts";
import { Chat } from "../../../src/wire/chats.ts";
import { chatEvents, CreatedWebhook } from "../../../src/wire/webhooks.ts";
import { WebhookReceiver } from "../../world/webhook-receiver.ts";
import type { Figures } from "./figures.ts";
import type { WebhookRecord } from "./history.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";

const refusedShare = 0.01;
/**
 * Refusals of one webhook in a block, of different events: after each, the server waits for 5 s, and sends nothing that is newer. After a
 * second one of the same event it would wait for a minute.
 */
const refusalsMax = 2;
const slowShare = 0.2;
const slowMsMax = 150;
/** On a busy machine a backlog lasts longer than that, but never stands still longer than a refused event waits, or a lease lasts. */
const toldMsMax = 90_000;
const stillMsMax = 20_000;
const toldMsMaxOfAll = 300_000;
const pollMs = 100;

export type Webhooks = Awaited<ReturnType<typeof prepareWebhooks>>;

/** Adds a webhook to each of some chats in which nothing happens yet. */
export async function prepareWebhooks(
  owner: Person,
  chatIds: readonly number[],
  { random, figures }: { random: Random; figures: Figures },
) {
  const receiver = new WebhookReceiver();
  const records = new Map<string, WebhookRecord>();
  const refusals = new Map<string, Set<string>>();
  const told = new Set<string>();
  let toldAt = performance.now();
  receiver.answer = async (event) => {
    figures.webhookEvents += 1;
    const { id, type, path, isVerified, data } = event;
    const refused = refusals.getOrInsertComputed(path, () => new Set());
    const mayRefuse = refused.size < refusalsMax && !refused.has(id);
    const isTaken = !mayRefuse || !random.chance(refusedShare);
    if (!isTaken) refused.add(id);
    // Doubles are no progress.
    if (isTaken && !told.has(id)) toldAt = performance.now();
    if (isTaken) told.add(id);
    // It has the event already, whatever becomes of the answer.
    records.get(path)?.events.push({ id, type, seq: Number(data.seq), isTaken, isVerified });
    if (random.chance(slowShare)) await Bun.sleep(random.int(1, slowMsMax));
    return new Response(null, { status: isTaken ? 204 : 500 });
  };
  const webhookIds: number[] = [];
  for (const chatId of chatIds) {
    const { url, path } = receiver.path();
    const chat = Chat.parse((await owner.certainly("GET", `/api/chats/${chatId}`))?.body);
    const input = { url, events: chatEvents };
    const reply = await owner.certainly("POST", `/api/chats/${chatId}/webhooks`, input);
    const { id, secret } = CreatedWebhook.parse(reply?.body);
    receiver.secrets.set(path, secret);
    records.set(path, { chatId, after: chat.last_seq, events: [], isAllTold: false });
    webhookIds.push(id);
  }

  return {
    /** Waits until the webhooks were told of everything. @returns what they were told */
    async settle(sql: Sql): Promise<WebhookRecord[]> {
      const begunAt = performance.now();
      const deadline = () =>
        Math.min(Math.max(begunAt + toldMsMax, toldAt + stillMsMax), begunAt + toldMsMaxOfAll);
      let isAllTold = false;
      while (!isAllTold && performance.now() < deadline()) {
        const [row] = await sql`
          select not exists (
            select from webhook_cursors placed join chats c on c.id = placed.chat_id
            where placed.webhook_id = any (${webhookIds}::bigint[]) and placed.seq < c.last_seq
          ) and not exists (
            select from webhook_deliveries where webhook_id = any (${webhookIds}::bigint[]) and status = 'pending'
          ) as done
        `;
        isAllTold = row?.done === true;
        if (!isAllTold) await Bun.sleep(pollMs);
      }
      const waiting = await findWaiting(sql, webhookIds);
      return Array.from(records.values(), (record) => ({
        ...record,
        isAllTold: isAllTold || !waiting.has(record.chatId),
        waitsFor: waiting.get(record.chatId),
      }));
    },
    stop: () => receiver.stop(),
  };
}

const Waiting = z.object({
  chat_id: z.int(),
  seq: z.int().nullable(),
  told: z.int(),
  last_seq: z.int(),
  attempts: z.int().nullable(),
  error: z.string().nullable(),
});

/** Describes the chats whose webhooks have not been told of everything, and the first event that each waits for. */
async function findWaiting(sql: Sql, webhookIds: number[]): Promise<Map<number, string>> {
  const rows = many(
    await sql`
      select placed.chat_id, placed.seq as told, c.last_seq, first.seq, first.attempts, first.error
      from webhook_cursors placed
      join chats c on c.id = placed.chat_id
      left join lateral (
        select seq, attempts, error from webhook_deliveries
        where webhook_id = placed.webhook_id and status = 'pending' order by id limit 1
      ) first on true
      where placed.webhook_id = any (${webhookIds}::bigint[]) and (placed.seq < c.last_seq or first.seq is not null)
    `,
    Waiting,
  );
  return new Map(
    rows.map(({ chat_id: chatId, seq, told, last_seq: last, attempts, error }) => [
      chatId,
      `, noted up to ${told} of ${last}; ${seq === null ? "none waits" : `${seq} waits after ${attempts} tries: ${error}`}`,
    ]),
  );
}
