// Creating an access key, and showing it this once.
import { useEffect, useId, useState } from "preact/hooks";
import type { ChatSummary } from "../client/client.ts";
import type { CreatedKey, NewKey, Scope } from "../client/keys.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { usePageParts } from "./page-parts.ts";
import { ShownSecret } from "./shown-secret.tsx";

/** The scopes with their descriptions, in the order in which they are offered. */
export const scopeWords: readonly (readonly [Scope, string])[] = [
  ["messages:read", "Read messages"],
  ["messages:write", "Write messages, react, and ask the model"],
  ["chats:read", "See chats and who is in them"],
  ["chats:write", "Create, change and leave chats, and invite people"],
  ["profile:read", "See profiles, and the account's email"],
];

const dayMs = 24 * 60 * 60 * 1_000;
const lifetimes = [30, 90, 365];

/** The key that a form asks for. */
function keyOf(form: HTMLFormElement): NewKey {
  const data = new FormData(form);
  const days = Number(data.get("days"));
  const ids = data.getAll("chat_id").map(Number);
  const chosen = new Set(data.getAll("scope"));
  return {
    name: String(data.get("name") ?? ""),
    scopes: scopeWords.flatMap(([scope]) => (chosen.has(scope) ? [scope] : [])),
    chat_ids: ids.length > 0 ? ids : null,
    expires_at: days > 0 ? new Date(Date.now() + days * dayMs).toISOString() : null,
  };
}

export function KeyForm({
  label,
  create,
}: {
  /** The accessible name of the form. */
  label: string;
  create: (key: NewKey) => Promise<CreatedKey>;
}) {
  const action = useAction();
  const [created, setCreated] = useState<CreatedKey>();

  async function submit(form: HTMLFormElement) {
    setCreated(undefined);
    const isDone = await action.run(async () => setCreated(await create(keyOf(form))));
    if (isDone) form.reset();
  }

  // The key is outside of the form, which is emptied afterwards.
  return (
    <div class="stack">
      <form
        class="stack"
        aria-label={label}
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <Field
          label="Name of the key"
          name="name"
          maxLength={200}
          placeholder="Build results"
          required
        />
        <fieldset class="choices">
          <legend>It may</legend>
          {scopeWords.map(([scope, words]) => (
            <label key={scope} class="check">
              <input type="checkbox" name="scope" value={scope} />
              <span>
                {words} <small class="muted">{scope}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <ChatChoice />
        <Lifetime />
        <Refusal of={action} />
        <footer>
          <button class="primary" disabled={action.isBusy}>
            Create key
          </button>
        </footer>
      </form>
      <div role="status">
        {created && <ShownSecret kind="key" name={created.name} secret={created.key} />}
      </div>
    </div>
  );
}

function Lifetime() {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>It expires</label>
      <select id={id} name="days">
        {lifetimes.map((days) => (
          <option key={days} value={days}>
            after {days} days
          </option>
        ))}
        <option value="0">never</option>
      </select>
    </div>
  );
}

function ChatChoice() {
  const { client } = usePageParts();
  const [chats, setChats] = useState<readonly ChatSummary[]>();
  useEffect(() => {
    client.api.listChats().then(setChats, () => undefined);
  }, []);
  if (!chats || chats.length === 0) return null;
  return (
    <details>
      <summary>Only in some chats</summary>
      <fieldset class="choices chosen-chats">
        <legend class="visually-hidden">Only in these chats</legend>
        {chats.map(({ id, name }) => (
          <label key={id} class="check">
            <input type="checkbox" name="chat_id" value={id} />
            <bdi>{name}</bdi>
          </label>
        ))}
      </fieldset>
    </details>
  );
}
