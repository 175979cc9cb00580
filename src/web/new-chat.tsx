import { useState } from "preact/hooks";
import type { Client } from "../client/client.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { PeopleField } from "./people-field.tsx";
import { goToChat } from "./place.ts";

const kinds = [
  { kind: "group", name: "Group", about: "Any number of people. /bot asks Gemini." },
  {
    kind: "private",
    name: "Private",
    about: "You and one other person. Opens the one you have, if there is one.",
  },
  { kind: "ai", name: "With Gemini", about: "Every message is a question to Gemini." },
] as const;
type Kind = (typeof kinds)[number]["kind"];

function namesIn(text: string): string[] {
  return text.split(/[\s,;]+/).filter((name) => name !== "");
}

export function NewChat({ client, onClose }: { client: Client; onClose: () => void }) {
  const [kind, setKind] = useState<Kind>("group");
  const action = useAction();

  async function create(form: HTMLFormElement, close: () => void) {
    const data = new FormData(form);
    const isDone = await action.run(async () => {
      const chat = await client.api.createChat({
        name: String(data.get("name") ?? ""),
        is_group: kind === "group",
        is_ai_chat: kind === "ai",
        participant_usernames: namesIn(String(data.get("people") ?? "")),
      });
      goToChat(chat.id);
    });
    if (isDone) close();
  }

  return (
    <Dialog title="New chat" onClose={onClose}>
      {(close) => (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void create(event.currentTarget, close);
          }}
        >
          <fieldset class="choices">
            <legend>Kind</legend>
            {kinds.map(({ kind: each, name, about }) => (
              <label key={each}>
                <input
                  type="radio"
                  name="kind"
                  checked={kind === each}
                  onChange={() => setKind(each)}
                />
                <span>
                  <strong>{name}</strong>
                  <small class="muted">{about}</small>
                </span>
              </label>
            ))}
          </fieldset>
          {kind !== "private" && (
            <Field label="Name" name="name" hint="Without one, it is named after its people." />
          )}
          {kind !== "ai" && (
            <PeopleField
              key={kind}
              label={kind === "private" ? "With whom" : "People"}
              name="people"
              isList={kind !== "private"}
              isRequired={kind === "private"}
              hint={
                kind === "private"
                  ? "Their username, or a name to search for."
                  : "Their usernames, separated by commas, or names to search for. You can invite others later."
              }
            />
          )}
          <Refusal of={action} />
          <footer>
            <button type="button" onClick={close}>
              Cancel
            </button>
            <button class="primary" disabled={action.isBusy}>
              Create chat
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}
