import { useState } from "preact/hooks";
import type { Session } from "../client/client.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icons.tsx";
import { ProviderButtons } from "./provider-buttons.tsx";
import { CodeForm, ForgottenPassword } from "./sign-in-forms.tsx";
import { signedInKey } from "./signed-in-tab.ts";
import { useSignIn } from "./use-sign-in.ts";

function textOf(data: FormData, name: string): string {
  return String(data.get(name) ?? "");
}

/** Whether somebody was signed in in this tab and has not signed out here. */
function wasSignedIn(): boolean {
  try {
    return sessionStorage[signedInKey] === "true";
  } catch {
    return false;
  }
}

/** Signing in with an account, or making one. */
export function SignIn({ session }: { session: Session; onClose: () => void }) {
  const signIn = useSignIn();
  const [hasEnded] = useState(wasSignedIn);
  const [isNew, setNew] = useState(false);
  const [isForgotten, setForgotten] = useState(false);
  const [ticket, setTicket] = useState<string>();
  const action = useAction();

  if (isForgotten) return <ForgottenPassword onClose={() => setForgotten(false)} />;
  if (ticket !== undefined) {
    return <CodeForm ticket={ticket} onClose={() => setTicket(undefined)} />;
  }

  function submit(event: SubmitEvent) {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const data = new FormData(event.currentTarget);
    const username = textOf(data, "username");
    const password = textOf(data, "password");
    void action.run(async () => {
      if (isNew) await session.register({ username, email: textOf(data, "email"), password });
      setTicket(await signIn.login({ username, password }));
    });
  }

  return (
    <main class="door">
      <form onSubmit={submit} aria-labelledby="door-title">
        <span class="mark" aria-hidden="true">
          <Icon name="sparkle" />
        </span>
        <h1 id="door-title">Gemini Coop</h1>
        {hasEnded ? (
          <p role="alert">
            Your session was ended elsewhere, or it has expired. Sign in to continue.
          </p>
        ) : (
          <p class="muted">One room for your people and Gemini.</p>
        )}
        <Field
          label="Username"
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          hint={isNew ? "2 to 32 of: a to z, A to Z, 0 to 9, and _ - ." : undefined}
          required
          autofocus
        />
        {isNew && <Field label="Email" name="email" type="email" autocomplete="email" required />}
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete={isNew ? "new-password" : "current-password"}
          minlength={isNew ? 8 : undefined}
          hint={isNew ? "At least 8 characters." : undefined}
          required
        />
        <Refusal of={action} />
        <button class="primary" disabled={action.isBusy}>
          {isNew ? "Create account" : "Sign in"}
        </button>
        <p class="muted">
          {isNew ? "You have an account?" : "New here?"}{" "}
          <button type="button" class="link" onClick={() => setNew(!isNew)}>
            {isNew ? "Sign in" : "Create an account"}
          </button>
        </p>
        {!isNew && (
          <p class="muted">
            <button type="button" class="link" onClick={() => setForgotten(true)}>
              Forgotten password
            </button>
          </p>
        )}
        <ProviderButtons />
      </form>
    </main>
  );
}
