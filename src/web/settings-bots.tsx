import { useEffect, useState } from "preact/hooks";
import type { AccessKey, Bot } from "../client/keys.ts";
import { Refusal, useAction, type Acting } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { Field } from "./field.tsx";
import { Avatar } from "./people-shown.tsx";
import { KeyForm } from "./settings-key-form.tsx";
import { KeyList, useKeys } from "./settings-keys.tsx";
import { Saved } from "./settings-section.tsx";

/** The bots of the person, with their access keys. */
export function BotSettings() {
  const keys = useKeys();
  const [bots, setBots] = useState<readonly Bot[]>();
  const [list, setList] = useState<readonly AccessKey[]>([]);
  const [saved, setSaved] = useState("");
  const action = useAction();

  async function load() {
    const [nextBots, nextKeys] = await Promise.all([keys.listBots(), keys.listKeys()]);
    setBots(nextBots);
    setList(nextKeys);
  }
  useEffect(() => void action.run(load), []);

  async function change(work: () => Promise<unknown>, text: string) {
    setSaved("");
    await work();
    await load();
    setSaved(text);
  }

  async function create(form: HTMLFormElement) {
    const username = String(new FormData(form).get("username") ?? "").trim();
    const work = () => change(() => keys.createBot(username), `${username} is your bot now.`);
    if (await action.run(work)) form.reset();
  }

  return (
    <div class="stack">
      <p class="muted">
        A bot is an account in which a program acts, by an access key. Invite it to chats by its
        name. It can't ask the model, and is deleted with your account.
      </p>
      {bots?.map((bot) => (
        <BotItem
          key={bot.id}
          bot={bot}
          keys={keys}
          list={list.filter(({ bot_id }) => bot_id === bot.id)}
          action={action}
          change={change}
          onCreated={load}
        />
      ))}
      <p class="muted" role="status">
        {bots === undefined && !action.problem && "Loading…"}
        {bots?.length === 0 && "You have no bots."}
      </p>
      <Refusal of={action} />
      <Saved text={saved} />
      <NewBotForm isBusy={action.isBusy} onCreate={(form) => void create(form)} />
    </div>
  );
}

function BotItem({
  bot,
  keys,
  list,
  action,
  change,
  onCreated,
}: {
  bot: Bot;
  keys: ReturnType<typeof useKeys>;
  /** The access keys of the bot. */
  list: readonly AccessKey[];
  action: Acting;
  /** Does the work, loads the lists again, and shows the text. */
  change: (work: () => Promise<unknown>, text: string) => Promise<void>;
  onCreated: () => Promise<void>;
}) {
  return (
    <section class="stack bot" aria-label={bot.username}>
      <div class="bot-head">
        <Avatar userId={bot.id} name={bot.username} />
        <strong>
          <bdi>@{bot.username}</bdi>
        </strong>
        <ConfirmedButton
          label="Delete"
          about={`the bot ${bot.username}`}
          disabled={action.isBusy}
          onConfirm={() =>
            void action.run(() =>
              change(() => keys.deleteBot(bot.id), `${bot.username} is deleted.`),
            )
          }
        />
      </div>
      <KeyList
        keys={list}
        label={`Access keys of ${bot.username}`}
        action={action}
        onRevoke={({ id }) => change(() => keys.revokeKey(id), "The key is revoked.")}
      />
      <details>
        <summary>New access key</summary>
        <KeyForm
          label={`New access key of ${bot.username}`}
          create={async (input) => {
            const created = await keys.createKey(input, bot.id);
            await onCreated();
            return created;
          }}
        />
      </details>
    </section>
  );
}

function NewBotForm({
  isBusy,
  onCreate,
}: {
  isBusy: boolean;
  onCreate: (form: HTMLFormElement) => void;
}) {
  return (
    <form
      class="stack"
      aria-label="New bot"
      onSubmit={(event) => {
        event.preventDefault();
        onCreate(event.currentTarget);
      }}
    >
      <h3>New bot</h3>
      <Field
        label="Username"
        name="username"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        placeholder="build_bot"
        hint="2 to 32 of: a to z, A to Z, 0 to 9, and _ - ."
        required
      />
      <footer>
        <button class="primary" disabled={isBusy}>
          Create bot
        </button>
      </footer>
    </form>
  );
}
