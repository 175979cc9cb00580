import { useEffect, useState } from "preact/hooks";
import type { BlockedPerson } from "../client/people.ts";
import { Refusal, useAction } from "./acting.tsx";
import { useSnapshot } from "./observing.ts";
import { usePageParts } from "./page-parts.ts";
import { Avatar, PersonName } from "./people-shown.tsx";
import { Saved, type SettingsProps } from "./settings-section.tsx";

/** The profile that others see, and the people whom the person does not want to hear of. */
export function PrivacySettings(props: SettingsProps) {
  return (
    <div class="stack">
      <Visibility {...props} />
      <BlockedPeople />
    </div>
  );
}

function Visibility({ user, onChanged }: SettingsProps) {
  const { client, details } = usePageParts();
  const action = useAction();
  const [saved, setSaved] = useState("");

  async function save(form: HTMLFormElement) {
    setSaved("");
    const data = new FormData(form);
    const read_receipts = data.has("read_receipts");
    const presence = data.has("visible") ? "visible" : "invisible";
    const isDone = await action.run(async () => {
      onChanged(await details.changeMe({ read_receipts, presence }));
      if (read_receipts === user.read_receipts) return;
      // A room gets the read positions of the others, or none, when it is joined again.
      client.disconnect();
      client.connect();
    });
    if (isDone) setSaved("Saved.");
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save(event.currentTarget);
      }}
    >
      <label class="check">
        <input type="checkbox" name="read_receipts" defaultChecked={user.read_receipts} />
        <span>
          <strong>Read receipts</strong>
          <small class="muted">
            Others see which messages you have read, and you see which ones they have read. Without
            them, neither you nor the others see it.
          </small>
        </span>
      </label>
      <label class="check">
        <input type="checkbox" name="visible" defaultChecked={user.presence === "visible"} />
        <span>
          <strong>Show when you are online</strong>
          <small class="muted">
            People in your chats see whether you are online, away, or when you were last here.
            Otherwise you appear offline; you still see the others.
          </small>
        </span>
      </label>
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        <button class="primary" disabled={action.isBusy}>
          Save
        </button>
      </footer>
    </form>
  );
}

function BlockedPeople() {
  const { people } = usePageParts();
  const { blockedIds } = useSnapshot(people);
  const [items, setItems] = useState<readonly BlockedPerson[]>();
  const [next, setNext] = useState<string | null>(null);
  const action = useAction();

  async function load(cursor: string | null) {
    const page = await people.listBlocked(cursor);
    setItems((all) => [...(cursor === null ? [] : (all ?? [])), ...page.items]);
    setNext(page.next_cursor);
  }
  useEffect(() => void action.run(() => load(null)), []);

  const shown = items?.filter(({ user }) => blockedIds.has(user.id));
  return (
    <section class="stack" aria-labelledby="blocked-people">
      <h3 id="blocked-people">Blocked people</h3>
      <p class="muted">
        They can't invite you or open a private chat with you, and see you as offline. They are not
        told. Their messages are folded up for you. Block somebody in their card: choose their name.
      </p>
      {shown && shown.length > 0 && (
        <ul class="people" aria-label="Blocked people" tabIndex={0}>
          {shown.map(({ user }) => (
            <li key={user.id}>
              <Avatar userId={user.id} name={user.display_name ?? user.username} />
              <PersonName person={user} />
              <button
                type="button"
                class="quiet"
                disabled={action.isBusy}
                onClick={() => void action.run(() => people.unblock(user.id))}
              >
                Unblock<span class="visually-hidden"> {user.username}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {next !== null && (
        <button
          type="button"
          disabled={action.isBusy}
          onClick={() => void action.run(() => load(next))}
        >
          Show more
        </button>
      )}
      <p class="muted" role="status">
        {items === undefined && !action.problem && "Loading…"}
        {shown?.length === 0 && "You have blocked nobody."}
      </p>
      <Refusal of={action} />
    </section>
  );
}
