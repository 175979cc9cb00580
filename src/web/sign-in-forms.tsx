// Forms of the sign-in that are shown seldom.
import { useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { useSignIn } from "./use-sign-in.ts";

/** Asks for a mail with a link that resets the password. */
export function ForgottenPassword({ onClose }: { onClose: () => void }) {
  const signIn = useSignIn();
  const action = useAction();
  const [sent, setSent] = useState("");

  async function send(form: HTMLFormElement) {
    const email = String(new FormData(form).get("email") ?? "");
    setSent("");
    if (await action.run(() => signIn.forgotPassword(email))) {
      setSent("If an account has this address, a mail with a link is on its way to it.");
    }
  }

  return (
    <main class="door">
      <form
        aria-labelledby="forgotten-title"
        onSubmit={(event) => {
          event.preventDefault();
          void send(event.currentTarget);
        }}
      >
        <h1 id="forgotten-title">Forgotten password</h1>
        <p class="muted">You get a mail with a link by which you choose a new one.</p>
        <Field label="Email" name="email" type="email" autocomplete="email" required autofocus />
        <p class="muted" role="status">
          {sent}
        </p>
        <Refusal of={action} />
        <button class="primary" disabled={action.isBusy}>
          Send the link
        </button>
        <button type="button" class="link" onClick={onClose}>
          Back to sign-in
        </button>
      </form>
    </main>
  );
}

/** Asks for the code that follows the password. */
export function CodeForm({ ticket, onClose }: { ticket: string; onClose: () => void }) {
  const signIn = useSignIn();
  const action = useAction();
  return (
    <main class="door">
      <form
        aria-labelledby="code-title"
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          const code = String(new FormData(form).get("code") ?? "");
          void action.run(() => signIn.loginWithCode(ticket, code));
        }}
      >
        <h1 id="code-title">One more step</h1>
        <p class="muted">Enter the code that your authenticator app shows, or a recovery code.</p>
        <Field
          label="Code"
          name="code"
          autocomplete="one-time-code"
          autocapitalize="none"
          spellcheck={false}
          required
          autofocus
        />
        <Refusal of={action} />
        <button class="primary" disabled={action.isBusy}>
          Sign in
        </button>
        <button type="button" class="link" onClick={onClose}>
          Back to sign-in
        </button>
      </form>
    </main>
  );
}
