import { useEffect, useMemo, useState } from "preact/hooks";
import { createKeys, type AccessKey, type Keys } from "../client/keys.ts";
import { Refusal, useAction, type Acting } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { usePageParts } from "./page-parts.ts";
import { KeyForm } from "./settings-key-form.tsx";
import { Saved } from "./settings-section.tsx";
import { fullTime } from "./times.ts";

/** Access keys and bots of the client's person. */
export function useKeys(): Keys {
  const { client } = usePageParts();
  return useMemo(() => createKeys(client), [client]);
}

/** The access keys of the person's own account. */
export function KeySettings() {
  const keys = useKeys();
  const [list, setList] = useState<readonly AccessKey[]>();
  const [saved, setSaved] = useState("");
  const action = useAction();
  const load = async () => setList(await keys.listKeys());
  useEffect(() => void action.run(load), []);

  const own = list?.filter(({ bot_id }) => bot_id === null);
  return (
    <div class="stack">
      <p class="muted">
        A program that has a key acts in your name, as far as you allow it. Whoever finds the key
        can do the same.
      </p>
      {own && (
        <KeyList
          keys={own}
          label="Your access keys"
          action={action}
          onRevoke={async ({ id }) => {
            setSaved("");
            await keys.revokeKey(id);
            await load();
            setSaved("The key is revoked.");
          }}
        />
      )}
      <p class="muted" role="status">
        {list === undefined && !action.problem && "Loading…"}
        {own?.length === 0 && "You have no access keys."}
      </p>
      <Refusal of={action} />
      <Saved text={saved} />
      <h3>New access key</h3>
      <KeyForm
        label="New access key"
        create={async (input) => {
          const created = await keys.createKey(input);
          await load();
          return created;
        }}
      />
    </div>
  );
}

export function KeyList({
  keys,
  label,
  action,
  onRevoke,
}: {
  keys: readonly AccessKey[];
  label: string;
  action: Acting;
  onRevoke: (key: AccessKey) => Promise<void>;
}) {
  if (keys.length === 0) return null;
  return (
    <ul class="key-list" aria-label={label}>
      {keys.map((key) => (
        <li key={key.id}>
          <div>
            <strong>
              <bdi>{key.name}</bdi> <small class="muted">…{key.hint}</small>
            </strong>
            <small class="muted">{usageOf(key)}</small>
            <small class="muted">{limitsOf(key)}</small>
          </div>
          <ConfirmedButton
            label="Revoke"
            about={`the key ${key.name}`}
            disabled={action.isBusy}
            onConfirm={() => void action.run(() => onRevoke(key))}
          />
        </li>
      ))}
    </ul>
  );
}

function usageOf({ last_used_at: usedAt, last_used_address: address }: AccessKey): string {
  if (usedAt === null) return "Never used";
  return `Last used ${fullTime(usedAt)}${address === null ? "" : ` from ${address}`}`;
}

function limitsOf({ scopes, chat_ids: chatIds, expires_at: end }: AccessKey): string {
  const chats =
    chatIds === null ? "all chats" : chatIds.length === 1 ? "1 chat" : `${chatIds.length} chats`;
  const isOver = end !== null && Date.parse(end) <= Date.now();
  const expiry =
    end === null ? "does not expire" : `${isOver ? "expired" : "expires"} ${fullTime(end)}`;
  return `${scopes.join(", ")}; ${chats}; ${expiry}`;
}
