import { useEffect, useMemo, useState } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
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
import { useFileDrop } from "./file-drop.ts";
import { Lightbox } from "./lightbox.tsx";
import { mentionableIn } from "./mention-at.ts";
import { MessageList } from "./message-list.tsx";
import { namesOf } from "./names.ts";
import { useSnapshot } from "./observing.ts";
import { goHome } from "./place.ts";
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
  /** Receives the number of messages that the person has not seen. */
  onNew: (count: number) => void;
}) {
  const room = useMemo(() => client.room(chatId), [chatId]);
  useEffect(() => () => room.close(), [room]);
  const snapshot = useSnapshot(room);
  const scrolling = useScrolling(snapshot);
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
  const [picture, setPicture] = useState<Attachment>();
  const conversation = useConversation({
    room,
    snapshot,
    user,
    drafts,
    scrolling,
    onVersions(message) {
      setShown(message);
      versions.open("versions");
    },
    onPicture: setPicture,
    onSent: reading.endNewLine,
  });

  const drop = useFileDrop(conversation.uploads.add);

  if (snapshot.state === "gone") return <Gone snapshot={snapshot} />;
  const others = typing.filter(({ user_id }) => user_id !== user.id);
  const isEmpty = chat !== undefined && messages.length === 0 && snapshot.pending.length === 0;
  return (
    <main class={drop.isOver ? "room dropping" : "room"} {...drop.attributes}>
      <RoomHeader client={client} chats={chats} user={user} snapshot={snapshot} listed={listed} />
      {chat && <Announcements messages={messages} ownId={user.id} />}
      <MessageList
        room={room}
        snapshot={snapshot}
        user={user}
        commands={conversation.commands}
        deleting={conversation.deleting}
        scrolling={scrolling}
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
        messages={messages}
        composing={conversation.composing}
        uploads={conversation.uploads}
        isSendingFiles={conversation.isSendingFiles}
        onSend={conversation.send}
        onEditLast={conversation.editLast}
      />
      {picture && (
        <Lightbox
          pictures={picturesOf(messages)}
          shown={picture}
          onShow={setPicture}
          onClose={() => setPicture(undefined)}
        />
      )}
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

function picturesOf(messages: readonly Message[]): Attachment[] {
  return messages.flatMap(({ attachments }) => attachments.filter(({ kind }) => kind === "image"));
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
