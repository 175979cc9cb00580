import { useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { useSignIn } from "./use-sign-in.ts";
import { Saved, type SettingsProps } from "./settings-section.tsx";

/** Confirms the email address, or changes it. */
export function EmailSettings({ user }: SettingsProps) {
  const signIn = useSignIn();
  const action = useAction();
  const [saved, setSaved] = useState("");

  async function send(form: HTMLFormElement) {
    setSaved("");
    const email = String(new FormData(form).get("email") ?? "").trim();
    if (await action.run(() => signIn.requestEmail(email))) {
      setSaved(`Look into the mailbox of ${email}, and use the link in the mail.`);
    }
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send(event.currentTarget);
      }}
    >
      <p class="muted">
        <bdi>{user.email}</bdi>
        {user.email_verified ? " is confirmed." : " is not confirmed."} A forgotten password is
        reset by a mail to it.
      </p>
      <Field
        label="Email address"
        name="email"
        type="email"
        autocomplete="email"
        defaultValue={user.email}
        hint="You get a mail with a link. The address is yours when you have used it."
        required
      />
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        <button class="primary" disabled={action.isBusy}>
          Send the link
        </button>
      </footer>
    </form>
  );
}
