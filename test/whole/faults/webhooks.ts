// Webhooks of the chats of a block: a receiver that is slow now and then, and refuses some events, and what it was told.
import type { Sql } from "../../../src/database/connect.ts";
import { Chat } from "../../../src/wire/chats.ts";
import { chatEvents, CreatedWebhook } from "../../../src/wire/webhooks.ts";
import { WebhookReceiver } from "../../world/webhook-receiver.ts";
import type { Figures } from "./figures.ts";
import type { WebhookRecord } from "./history.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";

const refusedShare = 0.01;
const slowShare = 0.2;
const slowMsMax = 150;
const toldMsMax = 90_000;
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
  receiver.answer = async (event) => {
    figures.webhookEvents += 1;
    const isTaken = !random.chance(refusedShare);
    const { id, type, path, isVerified, data } = event;
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
      const deadline = performance.now() + toldMsMax;
      let isAllTold = false;
      while (!isAllTold && performance.now() < deadline) {
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
      return Array.from(records.values(), (record) => ({ ...record, isAllTold }));
    },
    stop: () => receiver.stop(),
  };
}
