// Webhooks of a chat in its settings, and of the person in theirs.
import { useEffect, useMemo, useState } from "preact/hooks";
import { createWebhooks, type CreatedWebhook, type Webhook } from "../client/webhooks.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { usePageParts } from "./page-parts.ts";
import { Saved } from "./settings-section.tsx";
import { ShownSecret } from "./shown-secret.tsx";
import { WebhookItem } from "./webhook-item.tsx";

type Events = Webhook["events"][number];

const chatEvents: readonly (readonly [Events, string])[] = [
  ["message.created", "A message is sent"],
  ["message.updated", "A message changes"],
  ["message.deleted", "A message is deleted"],
  ["reaction.added", "Somebody reacts"],
  ["reaction.removed", "A reaction is taken back"],
  ["answer.started", "Gemini begins an answer"],
  ["answer.ended", "An answer ends"],
  ["participant.added", "Somebody comes"],
  ["participant.removed", "Somebody leaves"],
  ["chat.updated", "The chat changes"],
  ["chat.deleted", "The chat is deleted"],
];
const ownEvents: readonly (readonly [Events, string])[] = [
  ["mention", "Somebody mentions you"],
  ["invite", "Somebody adds you to a chat"],
  ["message", "A message in a chat that you have not open"],
];

/** The webhooks of a chat, which are loaded when they are first looked at. */
export function ChatWebhookSettings({ chatId }: { chatId: number }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(isOpen || event.currentTarget.open)}>
      <summary>Webhooks</summary>
      {isOpen && (
        <WebhookList
          chatId={chatId}
          about="An address that you own is told of what happens in this chat. It learns everything that is written here."
        />
      )}
    </details>
  );
}

/** The webhooks of the person. */
export function WebhookSettings() {
  return (
    <WebhookList about="An address that you own is told of what concerns you, in all of your chats." />
  );
}

function WebhookList({ chatId, about }: { chatId?: number; about: string }) {
  const { client } = usePageParts();
  const webhooks = useMemo(() => createWebhooks(client), [client]);
  const [list, setList] = useState<readonly Webhook[]>();
  const [created, setCreated] = useState<CreatedWebhook>();
  const [saved, setSaved] = useState("");
  const action = useAction();
  const load = async () =>
    setList(
      await (chatId === undefined ? webhooks.listWebhooks() : webhooks.listChatWebhooks(chatId)),
    );
  useEffect(() => void action.run(load), []);

  async function change(work: () => Promise<unknown>, text: string) {
    setSaved("");
    setCreated(undefined);
    await work();
    await load();
    setSaved(text);
  }

  return (
    <div class="stack">
      <p class="muted">{about}</p>
      {list?.map((webhook) => (
        <WebhookItem
          key={webhook.id}
          {...{ webhooks, webhook, action, change }}
          onRotated={setCreated}
        />
      ))}
      <p class="muted" role="status">
        {list === undefined && !action.problem && "Loading…"}
        {list?.length === 0 && "There are no webhooks."}
      </p>
      <Refusal of={action} />
      <Saved text={saved} />
      <div role="status">
        {created && (
          <ShownSecret kind="secret" name={hostOf(created.url)} secret={created.secret} />
        )}
      </div>
      <WebhookForm
        events={chatId === undefined ? ownEvents : chatEvents}
        isBusy={action.isBusy}
        create={(url, events) =>
          action.run(async () => {
            let made: CreatedWebhook | undefined;
            await change(async () => {
              const input = { url, events };
              made = await (chatId === undefined
                ? webhooks.createWebhook(input)
                : webhooks.createChatWebhook(chatId, input));
            }, "The webhook is created.");
            setCreated(made);
          })
        }
      />
    </div>
  );
}

export const hostOf = (url: string) => URL.parse(url)?.host ?? url;

function WebhookForm({
  events,
  isBusy,
  create,
}: {
  events: readonly (readonly [Events, string])[];
  isBusy: boolean;
  create: (url: string, events: readonly string[]) => Promise<boolean>;
}) {
  async function submit(form: HTMLFormElement) {
    const data = new FormData(form);
    const url = String(data.get("url") ?? "").trim();
    if (await create(url, data.getAll("event").map(String))) form.reset();
  }
  return (
    <form
      class="stack"
      aria-label="New webhook"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      <Field
        label="Address of the webhook"
        name="url"
        type="url"
        maxLength={2048}
        placeholder="https://example.com/hook"
        required
      />
      <fieldset class="choices">
        <legend>It is told when</legend>
        {events.map(([event, words]) => (
          <label key={event} class="check">
            <input type="checkbox" name="event" value={event} />
            <span>
              {words} <small class="muted">{event}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <footer>
        <button class="primary" disabled={isBusy}>
          Create webhook
        </button>
      </footer>
    </form>
  );
}
