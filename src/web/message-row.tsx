import { Component } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { PendingMessage } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import { Answer, MessageFiles } from "./attachments.tsx";
import { AnswerEnd } from "./answer-end.tsx";
import { NotSent } from "./dialogs.tsx";
import type { MentionNames } from "./mentions.ts";
import { MessageActions } from "./message-actions.tsx";
import { mayEdit, mayReport, type MessageCommands } from "./message-commands.ts";
import { PersonText } from "./person-text.tsx";
import { PlainText } from "./plain-text.tsx";
import type { Readers } from "./readers.ts";
import { Reactions } from "./reactions.tsx";
import { blockedText, deletedText, ReplyQuote } from "./reply-quote.tsx";
import { useRoomPeople } from "./room-people.ts";
import { Ticks } from "./ticks.tsx";
import { AuthorAvatar, AuthorName } from "./author.tsx";
import { clockTime, fullTime } from "./times.ts";

export interface MessageRowProps {
  message: Message;
  ownId: number;
  /** The previous message is by the same person and only a short time older. */
  continues: boolean;
  /** The question of an answer, unless it is right above. */
  question: Message | undefined;
  /** Shown below an own message. */
  readers: Readers | undefined;
  /** The message that it replies to, if it is loaded. */
  original: Message | undefined;
  canDelete: boolean;
  /** Whether the message is about to be deleted, which can be undone. */
  isDeleting: boolean;
  /** Its button for actions is reached with Tab; arrow keys lead from there to the others. */
  isTabStop: boolean;
  mentions: MentionNames;
  /** The names of the participants by their ids. */
  names: ReadonlyMap<number, string>;
  commands: MessageCommands;
}

const compared = [
  "message",
  "ownId",
  "continues",
  "question",
  "original",
  "readers",
  "canDelete",
  "isDeleting",
  "isTabStop",
  "mentions",
  "names",
] as const satisfies readonly (keyof MessageRowProps)[];

/** A row is drawn again only when something in it has changed, so that a long history is drawn once. */
export class MessageRow extends Component<MessageRowProps> {
  override shouldComponentUpdate(next: MessageRowProps) {
    return compared.some((name) => next[name] !== this.props[name]);
  }

  override render({ message, ownId, continues, isDeleting, readers, ...props }: MessageRowProps) {
    const isOwn = message.user_id === ownId;
    const kind = message.is_bot ? "answer" : isOwn ? "own" : "other";
    const marks = [continues && "continues", message.mentions.includes(ownId) && "mentions-you"];
    return (
      <li
        class={["row", kind, ...marks.filter(Boolean)].join(" ")}
        data-message={message.id}
        tabIndex={-1}
      >
        {!isOwn && !continues && <AuthorAvatar author={message} />}
        <div class="said">
          <p class="by">
            <strong>
              <AuthorName author={message} isOwn={isOwn} />
            </strong>{" "}
            <time dateTime={message.created_at} title={fullTime(message.created_at)}>
              {clockTime(message.created_at)}
            </time>
          </p>
          {message.deleted_at !== null ? (
            <p class="text deleted">{deletedText}</p>
          ) : isDeleting ? (
            <Deleting messageId={message.id} commands={props.commands} />
          ) : (
            <Said message={message} ownId={ownId} {...props} />
          )}
          {readers && message.deleted_at === null && <Ticks message={message} readers={readers} />}
        </div>
      </li>
    );
  }
}

type SaidProps = Omit<MessageRowProps, "continues" | "isDeleting" | "readers">;

function Said({ message, ownId, question, original, commands, ...props }: SaidProps) {
  const { reply_to: replyTo } = message;
  const { nameOf, isBlocked } = useRoomPeople();
  const [isShown, setShown] = useState(false);
  if (isBlocked(message) && !isShown) {
    return (
      <p class="text deleted">
        {blockedText}.{" "}
        <button type="button" class="link" onClick={() => setShown(true)}>
          Show it
        </button>
      </p>
    );
  }
  return (
    <>
      {question && (
        <p class="about">
          to <bdi>{nameOf(question)}</bdi>:{" "}
          <bdi>
            <PlainText text={question.content} />
          </bdi>
        </p>
      )}
      {replyTo !== null && <ReplyQuote message={original} onGo={() => commands.goTo(replyTo)} />}
      <div class="line">
        {message.is_bot ? (
          <Answer message={message} onOpen={commands.showPicture} />
        ) : message.content === "" && message.attachments.length > 0 ? null : (
          <PersonText text={message.content} mentions={props.mentions} />
        )}
        <MessageActions
          message={message}
          isOwn={message.user_id === ownId}
          canEdit={mayEdit(message, ownId)}
          canReport={mayReport(message, ownId)}
          canDelete={props.canDelete}
          isTabStop={props.isTabStop}
          commands={commands}
        />
      </div>
      {!message.is_bot && (
        <MessageFiles attachments={message.attachments} onOpen={commands.showPicture} />
      )}
      {message.edited_at !== null && (
        <button type="button" class="link edited" onClick={() => commands.showVersions(message)}>
          (edited)
        </button>
      )}
      {message.is_bot && (
        <AnswerEnd answer={message} onStop={commands.stop} onAskAgain={commands.askAgain} />
      )}
      <Reactions message={message} ownId={ownId} names={props.names} commands={commands} />
    </>
  );
}

/** In place of a message that is about to be deleted. */
function Deleting({ messageId, commands }: { messageId: number; commands: MessageCommands }) {
  const undo = useRef<HTMLButtonElement>(null);
  useEffect(() => undo.current?.focus(), []);
  return (
    <p class="text deleted">
      <span role="status">Deleted.</span>{" "}
      <button ref={undo} type="button" class="link" onClick={() => commands.keep(messageId)}>
        Undo
      </button>
    </p>
  );
}

const pendingWords = { queued: "Waiting to be sent", sending: "Sending", sent: "Sent" };

/** A message of one's own that the server has not confirmed yet. */
export function PendingRow({
  pending,
  original,
  mentions,
  onRetry,
  onDiscard,
}: {
  pending: PendingMessage;
  /** The message that it replies to, if it is loaded. */
  original: Message | undefined;
  mentions: MentionNames;
  onRetry: (clientId: string) => void;
  onDiscard: (clientId: string) => void;
}) {
  const { content, attachment_ids: ids = [], state, reply_to } = pending;
  return (
    <li class="row own pending">
      <div class="said">
        {reply_to !== undefined && <ReplyQuote message={original} />}
        {content !== "" && <PersonText text={content} mentions={mentions} />}
        {ids.length > 0 && (
          <p class="muted">{ids.length === 1 ? "A file" : `${ids.length} files`}</p>
        )}
        {state === "failed" ? (
          <NotSent pending={pending} onRetry={onRetry} onDiscard={onDiscard} />
        ) : (
          <p class="end">{pendingWords[state]}</p>
        )}
      </div>
    </li>
  );
}
