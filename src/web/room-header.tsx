import type { ChatList } from "../client/chat-list.ts";
import type { Client, RoomSnapshot } from "../client/client.ts";
import type { ChatSummary } from "../wire/chats.ts";
import type { User } from "../wire/users.ts";
import { ChatMenu } from "./chat-menu.tsx";
import { ConnectionState } from "./connection-state.tsx";
import { useDialog } from "./dialog.tsx";
import { ChatSettingsDialog, PeopleDialog, ReportsDialog, SearchDialog } from "./dialogs.tsx";
import { Icon } from "./icons.tsx";
import { namesOf } from "./names.ts";
import { goHome } from "./place.ts";
import { useRoomPeople } from "./room-people.ts";
import { PresenceDot, presenceWords, usePresenceOf } from "./presence-dot.tsx";
import { useWatched } from "./use-watched.ts";

export function RoomHeader({
  client,
  chats,
  user,
  snapshot,
  title,
  listed,
}: {
  client: Client;
  chats: ChatList;
  user: User;
  snapshot: RoomSnapshot;
  /** The name of the chat, as it is shown. */
  title: string;
  listed: ChatSummary | undefined;
}) {
  const dialog = useDialog<"people" | "search" | "settings" | "reports">();
  const { chat, participants } = snapshot;
  const others = participants.filter(({ id }) => id !== user.id);
  useWatched(others.map(({ id }) => id));
  const own = participants.find(({ id }) => id === user.id);
  const moderates = own !== undefined && own.role !== "member";
  const partner = chat?.is_group === false ? others[0]?.id : undefined;
  return (
    <header>
      <button
        type="button"
        class="quiet square back"
        aria-label="Back to the chats"
        onClick={goHome}
      >
        <Icon name="back" />
      </button>
      <div class="title">
        <h2 dir="auto">{title}</h2>
        <p class="muted here">
          <PresenceDot userId={partner} />
          <Here snapshot={snapshot} ownId={user.id} partner={partner} />
        </p>
      </div>
      <ConnectionState client={client} />
      {chat && (
        <button
          type="button"
          class="quiet square"
          aria-label="Search this chat"
          title="Search this chat"
          onClick={() => dialog.open("search")}
        >
          <Icon name="search" />
        </button>
      )}
      {chat && (
        <button type="button" class="quiet" onClick={() => dialog.open("people")}>
          <Icon name="people" />
          <span class="visually-hidden">People, </span>
          {participants.length}
        </button>
      )}
      {listed && (
        <ChatMenu
          chat={listed}
          title={title}
          onReports={moderates ? () => dialog.open("reports") : undefined}
        />
      )}
      {chat?.owner_id === user.id && (
        <button
          type="button"
          class="quiet square"
          aria-label="Chat settings"
          onClick={() => dialog.open("settings")}
        >
          <Icon name="settings" />
        </button>
      )}
      {chat && dialog.name === "people" && (
        <PeopleDialog
          key={dialog.key}
          client={client}
          chats={chats}
          user={user}
          chat={chat}
          snapshot={snapshot}
          onClose={dialog.close}
        />
      )}
      {chat && dialog.name === "reports" && (
        <ReportsDialog key={dialog.key} chatId={chat.id} onClose={dialog.close} />
      )}
      {chat && dialog.name === "search" && (
        <SearchDialog key={dialog.key} client={client} chat={chat} onClose={dialog.close} />
      )}
      {chat && dialog.name === "settings" && (
        <ChatSettingsDialog key={dialog.key} client={client} chat={chat} onClose={dialog.close} />
      )}
    </header>
  );
}

/** The people who have the room open. In a private chat: where the other person is. */
function Here({
  snapshot,
  ownId,
  partner,
}: {
  snapshot: RoomSnapshot;
  ownId: number;
  partner: number | undefined;
}) {
  const presence = usePresenceOf(partner);
  const { nameOf } = useRoomPeople();
  const here = snapshot.online
    .filter(({ user_id }) => user_id !== ownId)
    .map((person) => ({ username: nameOf(person) }));
  const count = Math.max(here.length, snapshot.onlineCount - 1);
  if (here.length > 0) return <>{`${namesOf(here, count)} ${count === 1 ? "is" : "are"} here`}</>;
  if (!presence) return <>Only you are here</>;
  // The dot beside it has the words for screen readers.
  return <span aria-hidden="true">{presenceWords(presence)}</span>;
}
