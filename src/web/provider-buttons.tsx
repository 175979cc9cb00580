import { useEffect, useState } from "preact/hooks";
import type { Provider } from "../client/sign-in.ts";
import { Refusal, useAction } from "./acting.tsx";
import { visitProvider } from "./provider-visits.ts";
import { useSignIn } from "./use-sign-in.ts";

/** The providers that are set up; none until they are known. */
export function useProviders(): readonly Provider[] {
  const signIn = useSignIn();
  const [providers, setProviders] = useState<readonly Provider[]>([]);
  useEffect(() => {
    signIn.listProviders().then(setProviders, () => undefined);
  }, []);
  return providers;
}

/** A button for each provider that people may sign in with. */
export function ProviderButtons() {
  const signIn = useSignIn();
  const providers = useProviders();
  const action = useAction();
  if (providers.length === 0) return null;
  return (
    <div class="stack" role="group" aria-label="Other accounts">
      {providers.map(({ id, name }) => (
        <button
          key={id}
          type="button"
          disabled={action.isBusy}
          onClick={() => void action.run(() => visitProvider(signIn, id))}
        >
          Continue with {name}
        </button>
      ))}
      <Refusal of={action} />
    </div>
  );
}
