import { useEffect, useMemo } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Client, RoomSnapshot } from "../client/client.ts";
import type { Chat, ChatSummary, Participant } from "../wire/chats.ts";
import type { User } from "../wire/users.ts";
import { Announcements } from "./announcing.tsx";
import { Composer } from "./composer.tsx";
import { useConversation } from "./conversation.ts";
import { BlockedPartner, Gone } from "./dialogs.tsx";
import type { Drafts } from "./drafts.ts";
import { useFileDrop } from "./file-drop.ts";
import { mentionableIn } from "./mention-at.ts";
import { MessageList } from "./message-list.tsx";
import { namesOf } from "./names.ts";
import { useSnapshot } from "./observing.ts";
import { usePageParts } from "./page-parts.ts";
import { goHome } from "./place.ts";
import { useJump, usePast } from "./past.ts";
import { Notice } from "./notice.tsx";
import { useReading } from "./reading.ts";
import { RoomDialogs, useRoomDialogs } from "./room-dialogs.tsx";
import { RoomHeader } from "./room-header.tsx";
import { RoomPeopleContext, useRoomPeople } from "./room-people.ts";
import { useScrolling } from "./scrolling.ts";
import { useNamesIn } from "./shown-names.ts";

interface RoomPaneProps {
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
}

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
}: RoomPaneProps) {
  const room = useMemo(() => client.room(chatId), [chatId]);
  useEffect(() => () => room.close(), [room]);
  const snapshot = useSnapshot(room);
  const past = usePast(client, room, snapshot);
  const { shown: shownPart } = past;
  const scrolling = useScrolling(shownPart, past.hasNewer || jumpTo !== undefined);
  const reading = useReading(room, chats, snapshot, scrolling, user.id);
  useEffect(() => onNew(reading.newCount), [reading.newCount]);
  useEffect(() => () => onNew(0), []);
  const { chat, messages, participants } = snapshot;
  const names = useNamesIn(chatId, participants);
  const { blockedIds } = useSnapshot(usePageParts().people);
  const people = useMemo(
    () => mentionableIn(chat, participants, user.id, hasModel, names),
    [chat, participants, user.id, hasModel, names],
  );
  const dialogs = useRoomDialogs();
  const roomPeople = useMemo(
    () => ({ names, blockedIds, onPerson: dialogs.onPerson }),
    [names, blockedIds],
  );
  const conversation = useConversation({
    room,
    snapshot,
    user,
    drafts,
    scrolling,
    past,
    onVersions: dialogs.onVersions,
    onReport: dialogs.onReport,
    onPicture: dialogs.onPicture,
    onSent: reading.endNewLine,
  });

  useJump(jumpTo, { past, scrolling, snapshot, onEnd: onJumped, onProblem: conversation.tell });
  const drop = useFileDrop(conversation.uploads.add);

  if (snapshot.state === "gone") return <Gone snapshot={snapshot} onClose={goHome} />;
  const partner = partnerIn(snapshot, user.id);
  const title = titleOf({ chat, listed, partner, names });
  return (
    <RoomPeopleContext.Provider value={roomPeople}>
      <main class={drop.isOver ? "room dropping" : "room"} {...drop.attributes}>
        <RoomHeader
          client={client}
          chats={chats}
          user={user}
          snapshot={snapshot}
          title={title ?? ""}
          listed={listed}
        />
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
        <WithoutMessages snapshot={snapshot} />
        <Typing snapshot={snapshot} ownId={user.id} />
        <Notice text={conversation.notice} onClose={conversation.endNotice} />
        {partner && blockedIds.has(partner.id) ? (
          <BlockedPartner userId={partner.id} name={names.get(partner.id) ?? partner.username} />
        ) : (
          <Composer
            room={room}
            name={title || "the room"}
            isAiChat={chat?.is_ai_chat ?? false}
            people={people}
            messages={shownPart.messages}
            composing={conversation.composing}
            uploads={conversation.uploads}
            onSend={conversation.send}
            onEditLast={conversation.editLast}
          />
        )}
        <RoomDialogs
          of={dialogs}
          client={client}
          ownId={user.id}
          messages={shownPart.messages}
          people={people}
          onMention={conversation.mention}
        />
      </main>
    </RoomPeopleContext.Provider>
  );
}

/** The name of a chat. A private one without a name has that of the other person, who may have deleted the account meanwhile. */
function titleOf({
  chat,
  listed,
  partner,
  names,
}: {
  chat: Chat | undefined;
  listed: ChatSummary | undefined;
  partner: Participant | undefined;
  names: ReadonlyMap<number, string>;
}): string | undefined {
  if (chat?.is_named !== false) return chat?.name;
  return partner ? names.get(partner.id) : (listed?.name ?? chat.name);
}

/** The other person of a private chat. */
function partnerIn({ chat, participants }: RoomSnapshot, ownId: number): Participant | undefined {
  if (!chat || chat.is_group || chat.is_ai_chat) return undefined;
  return participants.find(({ id }) => id !== ownId);
}

/** The people who are writing, without those whom the reader has blocked. */
function Typing({ snapshot: { typing }, ownId }: { snapshot: RoomSnapshot; ownId: number }) {
  const { names, blockedIds } = useRoomPeople();
  const others = typing
    .filter(({ user_id }) => user_id !== ownId && !blockedIds.has(user_id))
    .map(({ user_id, username }) => ({ username: names.get(user_id) ?? username }));
  return (
    <p class="typing" aria-live="off">
      {others.length > 0 && `${namesOf(others)} ${others.length === 1 ? "is" : "are"} writing…`}
    </p>
  );
}

/** The state of a room that shows no messages. */
function WithoutMessages({ snapshot }: { snapshot: RoomSnapshot }) {
  const { chat, messages, pending, problem } = snapshot;
  if (!chat) {
    return (
      <p class="muted note over" role="status">
        {problem?.detail ?? "Loading…"}
      </p>
    );
  }
  if (messages.length > 0 || pending.length > 0) return null;
  return <Silence isAiChat={chat.is_ai_chat} />;
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
