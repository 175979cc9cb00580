import { useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import type { MailLinkPlace } from "./mail-links.ts";
import { usePageParts } from "./page-parts.ts";
import { noteSignedIn } from "./signed-in-tab.ts";
import { useSignIn } from "./use-sign-in.ts";

/** The purpose of a link in a mail. Nothing is done until the person says so: programs that look through mails open links, too. */
export function MailLink({ link, onClose }: { link: MailLinkPlace; onClose: () => void }) {
  const { client } = usePageParts();
  const signIn = useSignIn();
  const action = useAction();
  const [done, setDone] = useState("");
  const isReset = link.purpose === "reset-password";

  async function use(form: HTMLFormElement) {
    const password = String(new FormData(form).get("password") ?? "");
    if (isReset) {
      if (!(await action.run(() => signIn.resetPassword(link.token, password)))) return;
      noteSignedIn(false);
      // The session of this browser may be one of those that have ended.
      await client.session.logout();
      setDone("Your password is changed, and all sessions have ended. Sign in with it.");
    } else if (await action.run(() => signIn.verifyEmail(link.token))) {
      setDone("Your email address is confirmed.");
    }
  }

  return (
    <main class="door">
      <form
        aria-labelledby="link-title"
        onSubmit={(event) => {
          event.preventDefault();
          void use(event.currentTarget);
        }}
      >
        <h1 id="link-title">{isReset ? "Choose a new password" : "Confirm your email address"}</h1>
        {done === "" && isReset && (
          <Field
            label="New password"
            name="password"
            type="password"
            autocomplete="new-password"
            minLength={8}
            hint="At least 8 characters. All your sessions end."
            required
            autofocus
          />
        )}
        <p class="muted" role="status">
          {done}
        </p>
        <Refusal of={action} />
        {done === "" && (
          <button class="primary" disabled={action.isBusy}>
            {isReset ? "Change password" : "Confirm this address"}
          </button>
        )}
        <button type="button" class={done === "" ? "link" : "primary"} onClick={onClose}>
          {done === "" ? "Not now" : "Continue"}
        </button>
      </form>
    </main>
  );
}
