import { useEffect, useState } from "preact/hooks";
import type { Identity } from "../client/sign-in.ts";
import { Refusal, useAction } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { useProviders } from "./provider-buttons.tsx";
import { Saved } from "./settings-section.tsx";
import { fullTime } from "./times.ts";
import { useSignIn } from "./use-sign-in.ts";

/** Accounts at providers by which the person can sign in. */
export function IdentitySettings() {
  const signIn = useSignIn();
  const providers = useProviders();
  const action = useAction();
  const [identities, setIdentities] = useState<readonly Identity[]>();
  const [saved, setSaved] = useState("");
  const load = async () => setIdentities(await signIn.listIdentities());
  useEffect(() => void action.run(load), []);
  const nameOf = (id: string) => providers.find((provider) => provider.id === id)?.name ?? id;

  async function unlink(id: number) {
    setSaved("");
    const isDone = await action.run(async () => {
      await signIn.unlinkIdentity(id);
      await load();
    });
    if (isDone) setSaved("The account is unlinked.");
  }

  return (
    <div class="stack">
      <p class="muted">
        {providers.length === 0 && identities?.length === 0
          ? "This server lets nobody sign in with other accounts."
          : "You can sign in with these accounts, too."}
      </p>
      <ul class="people sessions" aria-label="Linked accounts" tabIndex={0}>
        {identities?.map(({ id, provider, label, last_used_at: usedAt }) => (
          <li key={id}>
            <div>
              <strong>
                <bdi>{label}</bdi>
              </strong>
              <small class="muted">
                {nameOf(provider)}, last used <time dateTime={usedAt}>{fullTime(usedAt)}</time>
              </small>
            </div>
            <ConfirmedButton
              label="Unlink"
              about={label}
              disabled={action.isBusy}
              onConfirm={() => void unlink(id)}
            />
          </li>
        ))}
      </ul>
      {identities === undefined && !action.problem && <p class="muted">Loading…</p>}
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        {providers.map(({ id, name }) => (
          <button
            key={id}
            type="button"
            disabled={action.isBusy}
            onClick={() =>
              void action.run(async () => location.assign(await signIn.linkIdentity(id)))
            }
          >
            Link {name}
          </button>
        ))}
      </footer>
    </div>
  );
}
