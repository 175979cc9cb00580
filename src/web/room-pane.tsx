import { useEffect, useMemo, useRef } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Client, Room, RoomSnapshot } from "../client/client.ts";
import type { User } from "../wire/users.ts";
import { Announcements } from "./announcing.tsx";
import { ChatSettingsDialog } from "./chat-settings.tsx";
import { Composer } from "./composer.tsx";
import { ConnectionState } from "./connection-state.tsx";
import { useDialog } from "./dialog.tsx";
import type { Drafts } from "./drafts.ts";
import { Icon } from "./icons.tsx";
import { MessageList } from "./message-list.tsx";
import { useSnapshot } from "./observing.ts";
import { PeopleDialog } from "./people-dialog.tsx";
import { namesOf } from "./names.ts";
import { goHome } from "./place.ts";
import { useScrolling } from "./scrolling.ts";

export function RoomPane({
  client,
  chats,
  user,
  chatId,
  drafts,
}: {
  client: Client;
  chats: ChatList;
  user: User;
  chatId: number;
  drafts: Drafts;
}) {
  const room = useMemo(() => client.room(chatId), [chatId]);
  useEffect(() => () => room.close(), [room]);
  const snapshot = useSnapshot(room);
  const scrolling = useScrolling(snapshot);
  useReading(room, chats, snapshot, scrolling.isAtEnd);

  if (snapshot.state === "gone") return <Gone snapshot={snapshot} />;
  const { chat, messages, typing } = snapshot;
  const others = typing.filter(({ user_id }) => user_id !== user.id);
  const isEmpty = chat !== undefined && messages.length === 0 && snapshot.pending.length === 0;
  return (
    <main class="room">
      <RoomHeader client={client} chats={chats} user={user} snapshot={snapshot} />
      {chat && <Announcements messages={messages} ownId={user.id} />}
      <MessageList room={room} snapshot={snapshot} ownId={user.id} scrolling={scrolling} />
      {!chat && (
        <p class="muted note over" role="status">
          {snapshot.problem?.detail ?? "Loading…"}
        </p>
      )}
      {isEmpty && <Silence isAiChat={chat.is_ai_chat} />}
      <p class="typing" aria-live="off">
        {others.length > 0 && `${namesOf(others)} ${others.length === 1 ? "is" : "are"} writing…`}
      </p>
      <Composer
        room={room}
        name={chat?.name ?? "the room"}
        isAiChat={chat?.is_ai_chat ?? false}
        drafts={drafts}
        onSent={scrolling.goToEnd}
      />
    </main>
  );
}

/** Marks the newest message as read while it is visible and the person is looking at the page. */
function useReading(room: Room, chats: ChatList, { messages }: RoomSnapshot, isAtEnd: boolean) {
  const newest = messages.at(-1)?.seq;
  const marked = useRef(Promise.resolve());
  useEffect(() => {
    const read = () => {
      if (isAtEnd && newest !== undefined && document.visibilityState === "visible") {
        marked.current = room.markRead(newest);
      }
    };
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [room, newest, isAtEnd]);
  // The chat list's entry for the open room is ignored while the room is open, so it is refreshed on leaving.
  useEffect(() => () => void marked.current.then(chats.refresh), []);
}

function RoomHeader({
  client,
  chats,
  user,
  snapshot,
}: {
  client: Client;
  chats: ChatList;
  user: User;
  snapshot: RoomSnapshot;
}) {
  const dialog = useDialog<"people" | "settings">();
  const { chat, participants, online, onlineCount } = snapshot;
  const here = online.filter(({ user_id }) => user_id !== user.id);
  const hereCount = Math.max(here.length, onlineCount - 1);
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
        <h2 dir="auto">{chat?.name ?? ""}</h2>
        <p class="muted here">
          {here.length > 0
            ? `${namesOf(here, hereCount)} ${hereCount === 1 ? "is" : "are"} here`
            : "Only you are here"}
        </p>
      </div>
      <ConnectionState client={client} />
      {chat && (
        <button type="button" class="quiet" onClick={() => dialog.open("people")}>
          <Icon name="people" />
          <span class="visually-hidden">People, </span>
          {participants.length}
        </button>
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
      {chat && dialog.name === "settings" && (
        <ChatSettingsDialog key={dialog.key} client={client} chat={chat} onClose={dialog.close} />
      )}
    </header>
  );
}

function Silence({ isAiChat }: { isAiChat: boolean }) {
  return (
    <div class="invitation over">
      <h3>Nothing has been said yet</h3>
      <p class="muted">
        {isAiChat ? (
          "Ask Gemini anything: here every message is a question."
        ) : (
          <>
            Say hello, or ask Gemini: <code>/bot Why is the sky blue?</code>
          </>
        )}
      </p>
    </div>
  );
}

function Gone({ snapshot }: { snapshot: RoomSnapshot }) {
  return (
    <main class="room empty">
      <div class="invitation">
        <h2>This chat is not here</h2>
        <p class="muted">{snapshot.problem?.detail}</p>
        <button type="button" onClick={goHome}>
          Back to the chats
        </button>
      </div>
    </main>
  );
}
