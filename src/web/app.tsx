import { useEffect, useMemo, useState } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Client } from "../client/client.ts";
import type { User } from "../wire/users.ts";
import { ChatListPane } from "./chat-list-pane.tsx";
import type { Drafts } from "./composer.tsx";
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

/** Until it is known who is signed in; without a server that may take a while. */
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
  const drafts = useMemo<Drafts>(() => new Map(), []);
  const [isCreating, setCreating] = useState(false);
  const create = () => setCreating(true);

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
      {isCreating && <NewChat client={client} onClose={() => setCreating(false)} />}
    </div>
  );
}
