import { useEffect, useMemo } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Client } from "../client/client.ts";
import type { User } from "../wire/users.ts";
import { ChatListPane } from "./chat-list-pane.tsx";
import { useDialog } from "./dialog.tsx";
import { createDrafts } from "./drafts.ts";
import { NewChat } from "./new-chat.tsx";
import { useSnapshot } from "./observing.ts";
import { useChatInAddress } from "./place.ts";
import { RoomPane } from "./room-pane.tsx";
import { SignIn } from "./sign-in.tsx";
import { Welcome } from "./welcome.tsx";

export function App({ client, chats }: { client: Client; chats: ChatList }) {
  const { signedIn, user } = useSnapshot(client.session);
  if (!signedIn) return <SignIn session={client.session} />;
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

function House({ client, chats, user }: { client: Client; chats: ChatList; user: User }) {
  const chatId = useChatInAddress();
  const list = useSnapshot(chats).chats;
  const drafts = useMemo(() => createDrafts(localStorage, user.id), [user.id]);
  const dialog = useDialog<"new chat">();
  const create = () => dialog.open("new chat");

  const others = (list ?? []).filter(({ id }) => id !== chatId);
  const unread = others.reduce((sum, chat) => sum + chat.unread_count, 0);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Gemini Coop` : "Gemini Coop";
  }, [unread]);

  return (
    <div class={chatId === undefined ? "house" : "house in-room"}>
      <ChatListPane client={client} chats={chats} user={user} chatId={chatId} onCreate={create} />
      {chatId === undefined ? (
        <Welcome hasChats={list !== undefined && list.length > 0} onCreate={create} />
      ) : (
        <RoomPane
          key={chatId}
          client={client}
          chats={chats}
          user={user}
          chatId={chatId}
          drafts={drafts}
        />
      )}
      {dialog.name && <NewChat key={dialog.key} client={client} onClose={dialog.close} />}
    </div>
  );
}
