import { useEffect, useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { useSnapshot } from "./observing.ts";
import { usePageParts } from "./page-parts.ts";
import type { ProviderOutcome } from "./provider-returns.ts";
import { takeVerifier } from "./provider-visits.ts";
import { CodeForm } from "./sign-in-forms.tsx";
import { useSignIn } from "./use-sign-in.ts";

/** The errors of the API's document, and what to do about them. */
const errors: Record<string, string> = {
  access_denied: "The sign-in was refused there. Try again, and allow it.",
  provider_unavailable: "The provider can't be reached at the moment. Try again in a few minutes.",
  provider_invalid:
    "The provider's answer was not valid. Try again; if it stays so, tell the people who run this server.",
  visit_expired:
    "The sign-in took too long, was finished before, or was begun in another browser. Begin again.",
  email_taken:
    "An account with your email address exists here. Sign in to it with your password, and link the other account in your settings.",
  email_not_verified:
    "Your account there has no verified email address. Verify one there, and try again.",
  identity_taken: "This account is linked to somebody else here. Unlink it there first.",
  too_many_identities: "You have linked as many accounts as may be. Unlink one first.",
};

/** Finishes what the visit to a provider was for, or says why it can't. */
export function ProviderReturn({
  outcome,
  onClose,
}: {
  outcome: ProviderOutcome;
  onClose: () => void;
}) {
  const { client } = usePageParts();
  const { signedIn } = useSnapshot(client.session);
  const signIn = useSignIn();
  const action = useAction();
  const [ticket, setTicket] = useState<string>();
  const [isDone, setDone] = useState(false);
  const isCode = outcome.name === "code";

  useEffect(() => {
    if (!isCode) return;
    void action.run(async () => {
      const asked = await signIn.loginByCode(outcome.value, takeVerifier());
      setTicket(asked);
      setDone(asked === undefined);
    });
  }, []);
  useEffect(() => {
    if (isDone || (ticket !== undefined && signedIn)) onClose();
  }, [isDone, ticket, signedIn]);

  if (ticket !== undefined) return <CodeForm ticket={ticket} onClose={onClose} />;
  const text =
    outcome.name === "linked"
      ? "The account is linked. You can sign in with it from now on."
      : (errors[outcome.value] ?? "The sign-in has failed. Try again.");
  return (
    <main class="door">
      <form
        aria-labelledby="return-title"
        onSubmit={(event) => {
          event.preventDefault();
          onClose();
        }}
      >
        <h1 id="return-title">{outcome.name === "linked" ? "Linked" : "Sign-in"}</h1>
        <p class="muted" role="status">
          {isCode ? action.isBusy && "Signing you in…" : text}
        </p>
        <Refusal of={action} />
        <button class="primary" disabled={action.isBusy}>
          Continue
        </button>
      </form>
    </main>
  );
}
