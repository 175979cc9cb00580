// The incoming webhooks of a chat, in its settings.
import { useMemo, useState } from "preact/hooks";
import { createHooks, type CreatedIncomingWebhook, type IncomingWebhook } from "../client/hooks.ts";
import { Refusal, useAction, type Acting } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { Field } from "./field.tsx";
import { usePageParts } from "./page-parts.ts";
import { Saved } from "./settings-section.tsx";
import { ShownSecret } from "./shown-secret.tsx";
import { fullTime } from "./times.ts";

export function HookSettings({ chatId }: { chatId: number }) {
  const { client } = usePageParts();
  const hooks = useMemo(() => createHooks(client), [client]);
  const [list, setList] = useState<readonly IncomingWebhook[]>();
  const [created, setCreated] = useState<CreatedIncomingWebhook>();
  const [saved, setSaved] = useState("");
  const action = useAction();
  const load = async () => setList(await hooks.listHooks(chatId));

  async function create(form: HTMLFormElement) {
    setCreated(undefined);
    setSaved("");
    const name = String(new FormData(form).get("name") ?? "");
    const isDone = await action.run(async () => {
      setCreated(await hooks.createHook(chatId, name));
      await load();
    });
    if (isDone) form.reset();
  }

  async function revoke({ id }: IncomingWebhook) {
    setCreated(undefined);
    setSaved("");
    await hooks.revokeHook(chatId, id);
    await load();
    setSaved("The webhook is revoked.");
  }

  return (
    <details
      onToggle={(event) => {
        if (event.currentTarget.open && !list) void action.run(load);
      }}
    >
      <summary>Incoming webhooks</summary>
      <div class="stack">
        <p class="muted">
          A service that has the address posts into this chat, as to Slack. Whoever finds the
          address can do the same.
        </p>
        {list && list.length > 0 && (
          <ul class="key-list" aria-label="Incoming webhooks of this chat">
            {list.map((hook) => (
              <HookItem
                key={hook.id}
                hook={hook}
                isBusy={action.isBusy}
                onRevoke={() => void action.run(() => revoke(hook))}
              />
            ))}
          </ul>
        )}
        <p class="muted" role="status">
          {list?.length === 0 && "This chat has no incoming webhooks."}
        </p>
        <NewHookForm action={action} onCreate={(form) => void create(form)} />
        <Saved text={saved} />
        <div role="status">
          {created && <ShownSecret kind="address" name={created.name} secret={created.url} />}
        </div>
      </div>
    </details>
  );
}

function HookItem({
  hook,
  isBusy,
  onRevoke,
}: {
  hook: IncomingWebhook;
  isBusy: boolean;
  onRevoke: () => void;
}) {
  return (
    <li>
      <div>
        <strong>
          <bdi>{hook.name}</bdi>
        </strong>
        <small class="muted">
          Created {fullTime(hook.created_at)};{" "}
          {hook.last_used_at === null ? "never used" : `last used ${fullTime(hook.last_used_at)}`}
        </small>
      </div>
      <ConfirmedButton
        label="Revoke"
        about={`the webhook ${hook.name}`}
        disabled={isBusy}
        onConfirm={onRevoke}
      />
    </li>
  );
}

function NewHookForm({
  action,
  onCreate,
}: {
  action: Acting;
  onCreate: (form: HTMLFormElement) => void;
}) {
  return (
    <form
      class="stack"
      aria-label="New incoming webhook"
      onSubmit={(event) => {
        event.preventDefault();
        onCreate(event.currentTarget);
      }}
    >
      <Field
        label="Name of the webhook"
        name="name"
        maxLength={100}
        placeholder="Build results"
        required
      />
      <Refusal of={action} />
      <footer>
        <button class="primary" disabled={action.isBusy}>
          Create webhook
        </button>
      </footer>
    </form>
  );
}
