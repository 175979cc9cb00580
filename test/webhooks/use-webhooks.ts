// A server whose tests call the tasks of webhooks, with a receiver of events and a mailbox.
import { afterAll, beforeEach, expect } from "bun:test";
import { followNewChats, tellWebhooks } from "../../src/webhooks/actions.ts";
import type { CreatedWebhook, Delivery } from "../../src/wire/webhooks.ts";
import { chatEvents, personEvents } from "../../src/wire/webhooks.ts";
import { startMailbox } from "../world/mailbox.ts";
import { WebhookReceiver } from "../world/webhook-receiver.ts";
import { useWorld, type Person } from "../world/world.ts";

interface Hook {
  webhook: CreatedWebhook;
  path: string;
  url: string;
}

/** To be called once, at the beginning of a file. */
export async function useWebhooks() {
  const mailbox = await startMailbox();
  const receiver = new WebhookReceiver();
  const never = 3_600_000;
  // The tests call the tasks.
  const durations = { webhookMs: never, webhookChatsMs: never, webhookRetryMs: [1, 1, 1] };
  const world = useWorld({
    env: {
      WEBHOOK_ALLOW: "127.0.0.1",
      SMTP_URL: mailbox.url,
      MAIL_FROM: "coop@example.com",
    },
    durations,
  });
  afterAll(async () => {
    await receiver.stop();
    await mailbox.stop();
  });
  const accept = receiver.answer;
  beforeEach(() => {
    receiver.answer = accept;
  });

  /** Ends the wait for messages to be read. */
  async function endWait(): Promise<void> {
    await world.sql`update jobs set due_at = now() where kind = 'webhook' and attempts = 0 and due_at > now()`;
  }

  /** Settles when webhooks were told of everything that has happened. */
  async function told(): Promise<void> {
    for (;;) {
      await followNewChats(world.ctx);
      await tellWebhooks(world.ctx);
      await endWait();
      await world.jobs.idle();
      const [row] = await world.sql`
        select exists (select from webhook_deliveries where status = 'pending')
          or exists (select from jobs where dead_at is null and kind like 'webhook%')
          or exists (
            select from webhook_cursors cursor join chats c on c.id = cursor.chat_id join webhooks w on w.id = cursor.webhook_id
            where w.is_enabled and cursor.seq < c.last_seq
          ) as busy
      `;
      if (!row?.busy) return;
    }
  }

  /** A webhook of a chat, or of the person's own. */
  async function hook(
    person: Person,
    chatId: number | undefined,
    events: readonly string[] = chatId === undefined ? personEvents : chatEvents,
  ): Promise<Hook> {
    const { path, url } = receiver.path();
    const to = chatId === undefined ? "/api/webhooks" : `/api/chats/${chatId}/webhooks`;
    const { status, body } = await person.api("POST", to, { url, events });
    expect(status).toBe(200);
    receiver.secrets.set(path, body.secret);
    return { webhook: body, path, url };
  }

  const typesAt = (path: string) => receiver.at(path).map(({ type }) => type);
  const seqsAt = (path: string) => receiver.at(path).map(({ data }) => Number(data.seq));
  const deliveriesOf = async (person: Person, { webhook }: Hook): Promise<Delivery[]> =>
    (await person.api("GET", `/api/webhooks/${webhook.id}/deliveries`)).body;
  const change = (person: Person, { webhook }: Hook, input: object) =>
    person.api("PATCH", `/api/webhooks/${webhook.id}`, input);
  const get = async (person: Person, { webhook }: Hook) =>
    (await person.api("GET", `/api/webhooks/${webhook.id}`)).body;
  return {
    world,
    durations,
    receiver,
    accept,
    mailbox,
    told,
    hook,
    typesAt,
    seqsAt,
    deliveriesOf,
    change,
    get,
  };
}
