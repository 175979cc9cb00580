import { useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { usePageParts } from "./page-parts.ts";
import { Saved, type SettingsProps } from "./settings-section.tsx";

/** Changes the password, which ends the other sessions. */
export function PasswordSettings({ user, onChanged }: SettingsProps) {
  const { details } = usePageParts();
  const action = useAction();
  const [saved, setSaved] = useState("");

  async function save(form: HTMLFormElement) {
    setSaved("");
    const data = new FormData(form);
    const current = user.has_password ? String(data.get("current_password") ?? "") : null;
    const next = String(data.get("new_password") ?? "");
    if (!(await action.run(() => details.changePassword(current, next)))) return;
    form.reset();
    onChanged({ ...user, has_password: true });
    setSaved("Your password is changed. Your other sessions have ended.");
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save(event.currentTarget);
      }}
    >
      {/* For password managers. */}
      <input
        class="visually-hidden"
        type="text"
        autocomplete="username"
        aria-hidden="true"
        tabIndex={-1}
        readOnly
        value={user.username}
      />
      {user.has_password ? (
        <Field
          label="Current password"
          name="current_password"
          type="password"
          autocomplete="current-password"
          required
        />
      ) : (
        <p class="muted">
          You have no password, and sign in with a linked account. You can choose one within ten
          minutes of a sign-in.
        </p>
      )}
      <Field
        label="New password"
        name="new_password"
        type="password"
        autocomplete="new-password"
        minLength={8}
        required
        hint="At least 8 characters. Your other sessions end."
      />
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        <button class="primary" disabled={action.isBusy}>
          {user.has_password ? "Change password" : "Choose password"}
        </button>
      </footer>
    </form>
  );
}
