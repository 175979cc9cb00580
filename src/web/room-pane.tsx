import { useEffect, useMemo, useState } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Client, RoomSnapshot } from "../client/client.ts";
import type { ChatSummary } from "../wire/chats.ts";
import type { Message } from "../wire/messages.ts";
import type { User } from "../wire/users.ts";
import { Announcements } from "./announcing.tsx";
import { Composer } from "./composer.tsx";
import { useConversation } from "./conversation.ts";
import { useDialog } from "./dialog.tsx";
import type { Drafts } from "./drafts.ts";
import { mentionableIn } from "./mention-at.ts";
import { MessageList } from "./message-list.tsx";
import { namesOf } from "./names.ts";
import { useSnapshot } from "./observing.ts";
import { goHome } from "./place.ts";
import { useJump, usePast } from "./past.ts";
import { Notice } from "./notice.tsx";
import { useReading } from "./reading.ts";
import { RoomHeader } from "./room-header.tsx";
import { useScrolling } from "./scrolling.ts";
import { VersionsDialog } from "./versions-dialog.tsx";

export function RoomPane({
  client,
  chats,
  user,
  chatId,
  listed,
  hasModel,
  drafts,
  jumpTo,
  onJumped,
  onNew,
}: {
  client: Client;
  chats: ChatList;
  user: User;
  chatId: number;
  /** The chat's entry in the list, once it is there. */
  listed: ChatSummary | undefined;
  hasModel: boolean;
  drafts: Drafts;
  /** The number of the message that is to be shown. */
  jumpTo: number | undefined;
  onJumped: () => void;
  /** Receives the number of messages that the person has not seen. */
  onNew: (count: number) => void;
}) {
  const room = useMemo(() => client.room(chatId), [chatId]);
  useEffect(() => () => room.close(), [room]);
  const snapshot = useSnapshot(room);
  const past = usePast(client, room, snapshot);
  const { shown: shownPart } = past;
  const scrolling = useScrolling(shownPart, past.hasNewer || jumpTo !== undefined);
  const reading = useReading(room, chats, snapshot, scrolling, user.id);
  useEffect(() => onNew(reading.newCount), [reading.newCount]);
  useEffect(() => () => onNew(0), []);
  const { chat, messages, participants, typing } = snapshot;
  const people = useMemo(
    () => mentionableIn(chat, participants, user.id, hasModel),
    [chat, participants, user.id, hasModel],
  );
  const versions = useDialog<"versions">();
  const [shown, setShown] = useState<Message>();
  const conversation = useConversation({
    room,
    snapshot,
    user,
    drafts,
    scrolling,
    past,
    onVersions(message) {
      setShown(message);
      versions.open("versions");
    },
    onSent: reading.endNewLine,
  });

  useJump(jumpTo, { past, scrolling, snapshot, onEnd: onJumped, onProblem: conversation.tell });

  if (snapshot.state === "gone") return <Gone snapshot={snapshot} />;
  const others = typing.filter(({ user_id }) => user_id !== user.id);
  const isEmpty = chat !== undefined && messages.length === 0 && snapshot.pending.length === 0;
  return (
    <main class="room">
      <RoomHeader client={client} chats={chats} user={user} snapshot={snapshot} listed={listed} />
      {chat && <Announcements messages={messages} ownId={user.id} />}
      <MessageList
        room={room}
        snapshot={shownPart}
        user={user}
        commands={conversation.commands}
        deleting={conversation.deleting}
        scrolling={scrolling}
        past={past}
        onNewest={conversation.goToNewest}
        reading={reading}
      />
      {!chat && (
        <p class="muted note over" role="status">
          {snapshot.problem?.detail ?? "Loading…"}
        </p>
      )}
      {isEmpty && <Silence isAiChat={chat.is_ai_chat} />}
      <p class="typing" aria-live="off">
        {others.length > 0 && `${namesOf(others)} ${others.length === 1 ? "is" : "are"} writing…`}
      </p>
      <Notice text={conversation.notice} onClose={conversation.endNotice} />
      <Composer
        room={room}
        name={chat?.name ?? "the room"}
        isAiChat={chat?.is_ai_chat ?? false}
        people={people}
        messages={shownPart.messages}
        composing={conversation.composing}
        onSend={conversation.send}
        onEditLast={conversation.editLast}
      />
      {shown && versions.name && (
        <VersionsDialog
          key={versions.key}
          client={client}
          message={shown}
          onClose={versions.close}
        />
      )}
    </main>
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
