import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Client } from "../client/client.ts";
import type { User } from "../wire/users.ts";
import { ChatListPane } from "./chat-list-pane.tsx";
import { useDialog } from "./dialog.tsx";
import { NewChat, SearchDialog, SettingsDialog } from "./dialogs.tsx";
import { createDrafts } from "./drafts.ts";
import { lazyDialog } from "./lazy.ts";
import { isMuted } from "./muting.ts";
import { useSnapshot } from "./observing.ts";
import { usePageParts } from "./page-parts.ts";
import { usePlace } from "./place.ts";
import { useRinging } from "./ringing.ts";
import { RoomPane } from "./room-pane.tsx";
import { useMailLink } from "./mail-links.ts";
import { useProviderReturn } from "./provider-returns.ts";
import { noteSignedIn } from "./signed-in-tab.ts";
import { useNow } from "./times.ts";
import { Welcome } from "./welcome.tsx";

/** Most people who open the page are signed in. */
const SignIn = lazyDialog(() => import("./sign-in.tsx").then((module) => module.SignIn));
/** These are opened once in a while. */
const MailLink = lazyDialog(() => import("./mail-link.tsx").then((module) => module.MailLink));
const ProviderReturn = lazyDialog(() =>
  import("./provider-return.tsx").then((module) => module.ProviderReturn),
);

export function App({ client, chats }: { client: Client; chats: ChatList }) {
  const { signedIn, user } = useSnapshot(client.session);
  const { link, end } = useMailLink();
  const { outcome, end: leave } = useProviderReturn();
  if (link) return <MailLink key={link.token} link={link} onClose={end} />;
  if (outcome) return <ProviderReturn outcome={outcome} onClose={leave} />;
  if (!signedIn) return <SignIn session={client.session} onClose={() => location.reload()} />;
  if (!user) return <Waiting client={client} />;
  return <House client={client} chats={chats} user={user} key={user.id} />;
}

/** Shown until the server has said who is signed in. */
function Waiting({ client }: { client: Client }) {
  const { state } = useSnapshot(client.connection);
  return (
    <main class="door">
      <p role="status">
        {state === "offline" ? "The server can't be reached. Trying again…" : "Opening your chats…"}
      </p>
    </main>
  );
}

/** Whether a model can be asked; false until it is known. */
function useHasModel(client: Client): boolean {
  const [hasModel, setHasModel] = useState(false);
  useEffect(() => {
    client.api.listModels().then(
      ({ models }) => setHasModel(models.length > 0),
      () => undefined,
    );
  }, []);
  return hasModel;
}

/**
 * The session keeps the person as they were at the sign-in; here they are with the settings that they have changed since, and the
 * profile that they have changed in another tab.
 */
function useOwnUser(client: Client, signedIn: User): [User, (user: User) => void] {
  const [user, setUser] = useState(signedIn);
  useLayoutEffect(
    () =>
      client.onFrame((frame) => {
        if (frame.type !== "user_updated" || frame.user.id !== signedIn.id) return;
        setUser((current) => ({ ...current, ...frame.user }));
      }),
    [],
  );
  return [user, setUser];
}

function House({ client, chats, user: signedIn }: { client: Client; chats: ChatList; user: User }) {
  const [user, setUser] = useOwnUser(client, signedIn);
  const { chatId, seq, endJump } = usePlace();
  const list = useSnapshot(chats).chats;
  const { storage } = usePageParts();
  const drafts = useMemo(() => createDrafts(storage, user.id), [user.id]);
  const [newCount, setNewCount] = useState(0);
  const hasModel = useHasModel(client);
  useRinging(client);
  useEffect(() => noteSignedIn(true), []);
  const now = useNow();
  const dialog = useDialog<"new chat" | "search" | "settings">();
  const create = () => dialog.open("new chat");

  const listed = list?.find(({ id }) => id === chatId);
  const unread = (list ?? [])
    .filter((chat) => !isMuted(chat, now))
    .reduce((sum, chat) => sum + (chat === listed ? newCount : chat.unread_count), 0);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Gemini Coop` : "Gemini Coop";
  }, [unread]);

  return (
    <div class={chatId === undefined ? "house" : "house in-room"}>
      <ChatListPane
        client={client}
        chats={chats}
        user={user}
        chatId={chatId}
        newCount={newCount}
        onCreate={create}
        onSearch={() => dialog.open("search")}
        onSettings={() => dialog.open("settings")}
      />
      {chatId === undefined ? (
        <Welcome hasChats={list !== undefined && list.length > 0} onCreate={create} />
      ) : (
        <RoomPane
          key={chatId}
          client={client}
          chats={chats}
          user={user}
          chatId={chatId}
          listed={listed}
          hasModel={hasModel}
          drafts={drafts}
          jumpTo={seq}
          onJumped={() => endJump(chatId)}
          onNew={setNewCount}
        />
      )}
      {dialog.name === "new chat" && (
        <NewChat key={dialog.key} client={client} onClose={dialog.close} />
      )}
      {dialog.name === "search" && (
        <SearchDialog key={dialog.key} client={client} onClose={dialog.close} />
      )}
      {dialog.name === "settings" && (
        <SettingsDialog key={dialog.key} user={user} onChanged={setUser} onClose={dialog.close} />
      )}
    </div>
  );
}
