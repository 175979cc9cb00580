import { useEffect } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Client } from "../client/client.ts";
import type { ChatSummary } from "../wire/chats.ts";
import type { User } from "../wire/users.ts";
import { ConnectionState } from "./connection-state.tsx";
import { Icon } from "./icons.tsx";
import { isMuted } from "./muting.ts";
import { useSnapshot } from "./observing.ts";
import { usePageParts } from "./page-parts.ts";
import { signOut } from "./push-end.ts";
import { usePartners } from "./partners.ts";
import { Avatar } from "./people-shown.tsx";
import { PlainText } from "./plain-text.tsx";
import { chatAddress } from "./place.ts";
import { PresenceDot } from "./presence-dot.tsx";
import { useIsBlocked, useNameOf } from "./shown-names.ts";
import { fullTime, shortTime, useNow, useToday } from "./times.ts";
import { useWatched } from "./use-watched.ts";

export function ChatListPane({
  client,
  chats,
  user,
  chatId,
  newCount,
  onCreate,
  onSearch,
  onSettings,
}: {
  client: Client;
  chats: ChatList;
  user: User;
  chatId: number | undefined;
  /** Messages of the open chat that the person has not seen. */
  newCount: number;
  onCreate: () => void;
  onSearch: () => void;
  onSettings: () => void;
}) {
  const { people } = usePageParts();
  const { chats: list, problem } = useSnapshot(chats);
  // The times of yesterday's messages change at midnight.
  useToday();
  const now = useNow();
  const partners = usePartners(client, list, user.id);
  const { blockedIds } = useSnapshot(people);
  // The server counts nothing as unread in a private chat with somebody who is blocked.
  useEffect(() => void chats.refresh(), [blockedIds]);
  const partnerIds = [...new Set(partners.values())];
  useEffect(() => void people.load(partnerIds), [people, partnerIds.join()]);
  useEffect(() => people.note([user]), [people, user]);
  useWatched([...partners.values()].toSorted((one, other) => one - other));
  // Sorting keeps the order among the pinned chats and among the others.
  const sorted = list?.toSorted((one, other) => Number(other.pinned) - Number(one.pinned));
  return (
    <nav class="chats" aria-label="Chats">
      <ListHeader onCreate={onCreate} onSearch={onSearch} />
      {list === undefined && <p class="muted note">{problem?.detail ?? "Loading…"}</p>}
      {list?.length === 0 && <p class="muted note">No chats yet.</p>}
      <ul>
        {sorted?.map((chat) => (
          <li key={chat.id}>
            <ChatItem
              chat={chat}
              isOpen={chat.id === chatId}
              unread={chat.id === chatId ? newCount : chat.unread_count}
              isMuted={isMuted(chat, now)}
              partner={partners.get(chat.id)}
            />
          </li>
        ))}
      </ul>
      <footer>
        <Me client={client} user={user} onSettings={onSettings} />
        <ConnectionState client={client} />
      </footer>
    </nav>
  );
}

function ListHeader({ onCreate, onSearch }: { onCreate: () => void; onSearch: () => void }) {
  return (
    <header>
      <h1>Chats</h1>
      <div class="buttons">
        <button
          type="button"
          class="quiet square"
          aria-label="Search all chats"
          title="Search all chats"
          onClick={onSearch}
        >
          <Icon name="search" />
        </button>
        <button type="button" class="quiet square" aria-label="New chat" onClick={onCreate}>
          <Icon name="add" />
        </button>
      </div>
    </header>
  );
}

/** The person who is signed in, with the buttons for their settings and for signing out. */
function Me({ client, user, onSettings }: { client: Client; user: User; onSettings: () => void }) {
  const { unfinished } = usePageParts();
  const name = user.display_name ?? user.username;
  return (
    <div class="me">
      <Avatar userId={user.id} name={name} />
      <bdi class="name">{name}</bdi>
      <button
        type="button"
        class="quiet square"
        aria-label="Your settings"
        title="Your settings"
        onClick={onSettings}
      >
        <Icon name="settings" />
      </button>
      <button
        type="button"
        class="link"
        onClick={async () => {
          await unfinished.finish();
          await signOut(client.session);
        }}
      >
        Sign out
      </button>
    </div>
  );
}

function previewOf({ last_message: text }: ChatSummary): string {
  if (text === null) return "Nothing yet";
  // A deleted message, or an answer that has just begun or has failed. The list does not tell which.
  return text === "" ? "No text" : text;
}

function ChatItem({
  chat,
  isOpen,
  unread,
  isMuted: isQuiet,
  partner,
}: {
  chat: ChatSummary;
  isOpen: boolean;
  unread: number;
  isMuted: boolean;
  /** The other person of a private chat. */
  partner: number | undefined;
}) {
  const partnerName = useNameOf(partner, chat.name);
  const isBlocked = useIsBlocked(partner);
  const name = chat.is_named ? chat.name : partnerName;
  return (
    <a
      href={chatAddress(chat.id)}
      aria-current={isOpen ? "page" : undefined}
      class={isQuiet ? "quiet" : undefined}
    >
      <span class="portrait">
        <Avatar
          userId={partner ?? null}
          name={name}
          chat={chat.picture_url !== null || !(chat.is_ai_chat || partner) ? chat : undefined}
        />
        <PresenceDot userId={partner} />
      </span>
      <span class="name" dir="auto">
        {name}
      </span>
      {chat.last_message_time && (
        <time dateTime={chat.last_message_time} title={fullTime(chat.last_message_time)}>
          {shortTime(chat.last_message_time)}
        </time>
      )}
      <span class="last" dir="auto">
        {isBlocked ? "You have blocked this person" : <PlainText text={previewOf(chat)} />}
      </span>
      <Badges chat={chat} unread={unread} isMuted={isQuiet} />
    </a>
  );
}

function Badges({
  chat,
  unread,
  isMuted: isQuiet,
}: {
  chat: ChatSummary;
  unread: number;
  isMuted: boolean;
}) {
  const mentions = unread > 0 ? chat.mention_count : 0;
  return (
    <span class="badges">
      {chat.pinned && <Icon name="pin" />}
      {isQuiet && <Icon name="muted" />}
      <span class="visually-hidden">
        {chat.pinned && " pinned"}
        {isQuiet && " muted"}
      </span>
      {mentions > 0 && (
        <span class="unread mention">
          @
          <span class="visually-hidden">
            {" "}
            {mentions === 1 ? "1 mention" : `${mentions} mentions`}
          </span>
        </span>
      )}
      {unread > 0 && (
        <span class="unread">
          {unread > 99 ? "99+" : unread}
          <span class="visually-hidden"> unread</span>
        </span>
      )}
    </span>
  );
}
