import { useEffect, useId, useState } from "preact/hooks";
import type { Client } from "../client/client.ts";
import type { Chat } from "../wire/chats.ts";
import { Refusal, useAction } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { HookSettings } from "./hook-settings.tsx";
import { usePageParts } from "./page-parts.ts";
import { Avatar } from "./people-shown.tsx";
import { PictureChoice } from "./picture-choice.tsx";
import { ChatWebhookSettings } from "./webhook-settings.tsx";
import { goHome } from "./place.ts";

/** The change that the fields of the form ask for. For an empty field, the server chooses. */
function changeIn(data: FormData) {
  const text = (name: string) => String(data.get(name) ?? "").trim();
  return {
    name: text("name"),
    settings: {
      model: text("model") || null,
      persona: text("persona") || null,
      temperature: text("temperature") === "" ? null : Number(text("temperature")),
      google_search: data.has("google_search"),
    },
  };
}

/** The owner's settings: the name of a chat, and how the model answers in it. */
export function ChatSettingsDialog({
  client,
  chat,
  onClose,
}: {
  client: Client;
  chat: Chat;
  onClose: () => void;
}) {
  const action = useAction();

  return (
    <Dialog title="Chat settings" onClose={onClose}>
      {(close) => (
        <>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const change = changeIn(new FormData(event.currentTarget));
              void action
                .run(() => client.api.changeChat(chat.id, change))
                .then((isDone) => isDone && close());
            }}
          >
            <ChatPicture chat={chat} />
            <Field label="Name" name="name" defaultValue={chat.name} required />
            <AnswerFields client={client} settings={chat.settings} />
            <Refusal of={action} />
            <footer>
              <ConfirmedButton
                label="Delete chat"
                disabled={action.isBusy}
                onConfirm={async () => {
                  if (!(await action.run(() => client.api.deleteChat(chat.id)))) return;
                  close();
                  goHome();
                }}
              />
              <button type="button" onClick={close}>
                Cancel
              </button>
              <button class="primary" disabled={action.isBusy}>
                Save
              </button>
            </footer>
          </form>
          {chat.is_group && <HookSettings chatId={chat.id} />}
          <ChatWebhookSettings chatId={chat.id} />
        </>
      )}
    </Dialog>
  );
}

/** The fields that say how the model answers. */
function AnswerFields({ client, settings }: { client: Client; settings: Chat["settings"] }) {
  const ids = { persona: useId(), model: useId() };
  return (
    <>
      <div class="field">
        <label for={ids.persona}>Who Gemini is here</label>
        <textarea
          id={ids.persona}
          name="persona"
          dir="auto"
          rows={3}
          defaultValue={settings.persona ?? ""}
          placeholder="A patient teacher of physics"
        />
      </div>
      <div class="beside">
        <div class="field">
          <label for={ids.model}>Model</label>
          <ModelChoice client={client} id={ids.model} chosen={settings.model} />
        </div>
        <Field
          label="Temperature"
          name="temperature"
          type="number"
          min={0}
          max={2}
          step={0.1}
          defaultValue={settings.temperature ?? ""}
          placeholder="Default"
          hint="0 sober, 2 wild"
        />
      </div>
      <label class="check">
        <input type="checkbox" name="google_search" defaultChecked={settings.google_search} />
        <span>
          <strong>Google Search</strong>
          <small class="muted">Answers may look things up, and name their sources.</small>
        </span>
      </label>
    </>
  );
}

/** The picture of the chat, and buttons that change it at once. */
function ChatPicture({ chat }: { chat: Chat }) {
  const { pictures } = usePageParts();
  const [shown, setShown] = useState<Pick<Chat, "id" | "picture_url">>(chat);
  return (
    <div class="me-shown">
      <Avatar userId={null} name={chat.name} chat={shown} />
      <PictureChoice
        what="the picture of the chat"
        hasPicture={shown.picture_url !== null}
        onChoose={async (image) => setShown(await pictures.client.setChatPicture(chat.id, image))}
        onRemove={async () => setShown(await pictures.client.removeChatPicture(chat.id))}
      />
    </div>
  );
}

function ModelChoice({
  client,
  id,
  chosen,
}: {
  client: Client;
  id: string;
  chosen: string | null;
}) {
  const [models, setModels] = useState<string[]>([]);
  useEffect(() => {
    // Without the list, the model that is chosen can still be kept or removed.
    client.api.listModels().then(
      (found) => setModels(found.models),
      () => undefined,
    );
  }, []);
  const all = chosen === null || models.includes(chosen) ? models : [chosen, ...models];
  return (
    <select id={id} name="model">
      <option value="">Default</option>
      {all.map((model) => (
        <option key={model} value={model} selected={model === chosen}>
          {model}
        </option>
      ))}
    </select>
  );
}
