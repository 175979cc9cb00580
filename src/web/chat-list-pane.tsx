import type { ChatList } from "../client/chat-list.ts";
import type { Client } from "../client/client.ts";
import type { ChatSummary } from "../wire/chats.ts";
import type { User } from "../wire/users.ts";
import { ConnectionState } from "./connection-state.tsx";
import { Icon } from "./icons.tsx";
import { useSnapshot } from "./observing.ts";
import { Avatar } from "./people-shown.tsx";
import { PlainText } from "./plain-text.tsx";
import { chatAddress } from "./place.ts";
import { fullTime, shortTime, useToday } from "./times.ts";

export function ChatListPane({
  client,
  chats,
  user,
  chatId,
  onCreate,
}: {
  client: Client;
  chats: ChatList;
  user: User;
  chatId: number | undefined;
  onCreate: () => void;
}) {
  const { chats: list, problem } = useSnapshot(chats);
  // The times of yesterday's messages change at midnight.
  useToday();
  return (
    <nav class="chats" aria-label="Chats">
      <header>
        <h1>Chats</h1>
        <button type="button" class="quiet square" aria-label="New chat" onClick={onCreate}>
          <Icon name="add" />
        </button>
      </header>
      {list === undefined && <p class="muted note">{problem?.detail ?? "Loading…"}</p>}
      {list?.length === 0 && <p class="muted note">No chats yet.</p>}
      <ul>
        {list?.map((chat) => (
          <li key={chat.id}>
            <ChatItem chat={chat} isOpen={chat.id === chatId} />
          </li>
        ))}
      </ul>
      <footer>
        <div class="me">
          <Avatar userId={user.id} username={user.username} />
          <bdi class="name">{user.username}</bdi>
          <button type="button" class="link" onClick={() => client.session.logout()}>
            Sign out
          </button>
        </div>
        <ConnectionState client={client} />
      </footer>
    </nav>
  );
}

function previewOf({ last_message: text }: ChatSummary): string {
  if (text === null) return "Nothing yet";
  // Only an answer can be empty: it has just begun, or it failed.
  return text === "" ? "Gemini's answer" : text;
}

function ChatItem({ chat, isOpen }: { chat: ChatSummary; isOpen: boolean }) {
  // The messages of the open chat are being read.
  const unread = isOpen ? 0 : chat.unread_count;
  return (
    <a href={chatAddress(chat.id)} aria-current={isOpen ? "page" : undefined}>
      <Avatar userId={chat.is_ai_chat ? null : chat.id} username={chat.name} />
      <span class="name" dir="auto">
        {chat.name}
      </span>
      {chat.last_message_time && (
        <time dateTime={chat.last_message_time} title={fullTime(chat.last_message_time)}>
          {shortTime(chat.last_message_time)}
        </time>
      )}
      <span class="last" dir="auto">
        <PlainText text={previewOf(chat)} />
      </span>
      {unread > 0 && (
        <span class="unread">
          {unread > 99 ? "99+" : unread}
          <span class="visually-hidden"> unread</span>
        </span>
      )}
    </a>
  );
}
