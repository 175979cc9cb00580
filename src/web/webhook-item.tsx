// One webhook in the settings, with its deliveries.
import { useState } from "preact/hooks";
import type { CreatedWebhook, Delivery, Webhook, Webhooks } from "../client/webhooks.ts";
import type { Acting } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { fullTime } from "./times.ts";

const offReasons: Record<NonNullable<Webhook["off_reason"]>, string> = {
  gone: "Off: it has answered that it wants no more",
  failing: "Off: it has failed for three days",
  other_owner: "Off: the chat has another owner since",
};

function stateOf({ is_enabled: isOn, off_reason: reason, failing_since: failing }: Webhook) {
  if (reason !== null) return offReasons[reason];
  if (!isOn) return "Off";
  return failing === null ? "On" : `On, but failing since ${fullTime(failing)}`;
}

const isActive = ({ is_enabled: isOn, off_reason: reason }: Webhook) => isOn && reason === null;

interface WebhookItemProps {
  webhooks: Webhooks;
  webhook: Webhook;
  action: Acting;
  /** Does something, loads the list again, and says what was done. */
  change: (work: () => Promise<unknown>, text: string) => Promise<void>;
  onRotated: (webhook: CreatedWebhook) => void;
}

export function WebhookItem(props: WebhookItemProps) {
  const { webhooks, webhook, action, change } = props;
  const { id, url } = webhook;
  const isOn = isActive(webhook);
  const [deliveries, setDeliveries] = useState<readonly Delivery[]>();
  const load = async () => setDeliveries(await webhooks.listDeliveries(id));
  const act = (work: () => Promise<unknown>, text: string) =>
    void action.run(() => change(work, text));

  return (
    <section class="stack bot" aria-label={url}>
      <div>
        <strong class="webhook-url">
          <bdi>{url}</bdi>
        </strong>
        <small class="muted">
          {stateOf(webhook)}. {webhook.events.join(", ")}
        </small>
      </div>
      <WebhookActions {...props} onTested={load} />
      <Deliveries
        deliveries={deliveries}
        isBusy={action.isBusy}
        canSend={isOn && !action.isBusy}
        onLoad={() => void action.run(load)}
        onAgain={(delivery) =>
          act(async () => {
            await webhooks.redeliver(id, delivery.id);
            await load();
          }, "It is sent again.")
        }
      />
    </section>
  );
}

/** @param onTested is called when a test is on its way */
function WebhookActions({
  webhooks,
  webhook,
  action,
  change,
  onRotated,
  onTested,
}: WebhookItemProps & { onTested: () => Promise<void> }) {
  const { id, url } = webhook;
  const isOn = isActive(webhook);
  const act = (work: () => Promise<unknown>, text: string) =>
    void action.run(() => change(work, text));

  return (
    <div class="webhook-actions">
      <button
        type="button"
        disabled={action.isBusy}
        onClick={() =>
          act(
            () => webhooks.changeWebhook(id, { is_enabled: !isOn }),
            isOn ? "The webhook is off." : "The webhook is on.",
          )
        }
      >
        Turn {isOn ? "off" : "on"}
      </button>
      <button
        type="button"
        disabled={action.isBusy}
        onClick={() =>
          act(async () => {
            await webhooks.testWebhook(id);
            await onTested();
          }, "A test is on its way.")
        }
      >
        Send a test
      </button>
      <ConfirmedButton
        label="New secret"
        about={`for ${url}`}
        disabled={action.isBusy}
        onConfirm={() =>
          void action.run(async () => {
            let rotated: CreatedWebhook | undefined;
            await change(
              async () => (rotated = await webhooks.rotateSecret(id)),
              "The secret before works for another day.",
            );
            if (rotated) onRotated(rotated);
          })
        }
      />
      <ConfirmedButton
        label="Delete"
        about={`the webhook ${url}`}
        disabled={action.isBusy}
        onConfirm={() => act(() => webhooks.deleteWebhook(id), "The webhook is deleted.")}
      />
    </div>
  );
}

/** The deliveries of the webhook, which are loaded when the list is opened. */
function Deliveries({
  deliveries,
  isBusy,
  canSend,
  onLoad,
  onAgain,
}: {
  deliveries: readonly Delivery[] | undefined;
  isBusy: boolean;
  canSend: boolean;
  onLoad: () => void;
  onAgain: (delivery: Delivery) => void;
}) {
  return (
    <details onToggle={(event) => event.currentTarget.open && onLoad()}>
      <summary>Deliveries</summary>
      <div class="stack">
        <DeliveryList deliveries={deliveries ?? []} canSend={canSend} onAgain={onAgain} />
        <p class="muted" role="status">
          {deliveries?.length === 0 && "Nothing was told yet."}
        </p>
        <button type="button" disabled={isBusy} onClick={onLoad}>
          Look again
        </button>
      </div>
    </details>
  );
}

function DeliveryList({
  deliveries,
  canSend,
  onAgain,
}: {
  deliveries: readonly Delivery[];
  canSend: boolean;
  onAgain: (delivery: Delivery) => void;
}) {
  if (deliveries.length === 0) return null;
  return (
    <ul class="key-list deliveries" aria-label="Deliveries">
      {deliveries.map((delivery) => (
        <li key={delivery.id}>
          <div>
            <strong>
              {delivery.type} <small class="muted">{delivery.status}</small>
            </strong>
            <small class="muted">{resultOf(delivery)}</small>
          </div>
          {delivery.type !== "test" && (
            <button type="button" disabled={!canSend} onClick={() => onAgain(delivery)}>
              Send again
              <span class="visually-hidden">
                {" "}
                {delivery.type} of {fullTime(delivery.created_at)}
              </span>
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function resultOf(delivery: Delivery): string {
  const { attempted_at: at, response_status: status, duration_ms: ms, attempts, error } = delivery;
  if (at === null) return fullTime(delivery.created_at);
  const answer = status === null ? (error ?? "no answer") : `answered ${status}`;
  const tries = attempts === 1 ? "1 try" : `${attempts} tries`;
  const next = delivery.next_attempt_at;
  return `${fullTime(at)}: ${answer} in ${ms} ms, ${tries}${next === null ? "" : `; again ${fullTime(next)}`}`;
}
