import { useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { Field } from "./field.tsx";
import { usePageParts } from "./page-parts.ts";
import { ringNoMore } from "./push-end.ts";
import { noteSignedIn } from "./signed-in-tab.ts";
import { saveFile } from "./saved-file.ts";
import { Saved, type SettingsProps } from "./settings-section.tsx";

/** Taking one's data along, and deleting the account. */
export function LeavingSettings(props: SettingsProps) {
  return (
    <div class="stack">
      <DataExport {...props} />
      <Deletion {...props} />
    </div>
  );
}

function DataExport({ user }: SettingsProps) {
  const { account } = usePageParts();
  const action = useAction();
  const [saved, setSaved] = useState("");

  async function save() {
    setSaved("");
    await action.run(async () => {
      const { content, isComplete } = await account.exportMe();
      saveFile(content, `${user.username}.jsonl`);
      setSaved(isComplete ? "The file is complete." : "The file was cut off. Export again.");
    });
  }

  return (
    <section>
      <h3>Export</h3>
      <p class="muted">
        A file with all that is stored about you: your profile, sessions, chats, messages, reactions
        and more.
      </p>
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        <button type="button" disabled={action.isBusy} onClick={() => void save()}>
          {action.isBusy ? "Exporting…" : "Export my data"}
        </button>
      </footer>
    </section>
  );
}

function Deletion({ user }: SettingsProps) {
  const { account } = usePageParts();
  const action = useAction();

  async function remove(form: HTMLFormElement) {
    const data = new FormData(form);
    const messages = data.get("messages") === "erase" ? "erase" : "keep";
    // Before the deletion, which ends the session and shows the sign-in form.
    noteSignedIn(false);
    const isDeleted = await action.run(() =>
      account.deleteMe(String(data.get("password") ?? ""), messages),
    );
    if (isDeleted) await ringNoMore();
    else noteSignedIn(true);
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void remove(event.currentTarget);
      }}
    >
      <h3>Delete the account</h3>
      <p class="muted">
        You are signed out everywhere, and your chats go on without you. Nobody can take this back.
      </p>
      <fieldset class="choices">
        <legend class="visually-hidden">Your messages</legend>
        <label class="check">
          <input type="radio" name="messages" value="keep" defaultChecked />
          <span>
            <strong>Keep my messages</strong>
            <small class="muted">They stay in their chats under the name “Deleted user”.</small>
          </span>
        </label>
        <label class="check">
          <input type="radio" name="messages" value="erase" />
          <span>
            <strong>Erase my messages</strong>
            <small class="muted">
              Their texts are deleted in all chats, also in those you left.
            </small>
          </span>
        </label>
      </fieldset>
      {user.has_password ? (
        <Field
          label="Your password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
        />
      ) : (
        <p class="muted">Choose a password first: it confirms the deletion.</p>
      )}
      <Refusal of={action} />
      <footer>
        <button class="danger" disabled={action.isBusy || !user.has_password}>
          Delete my account
        </button>
      </footer>
    </form>
  );
}
