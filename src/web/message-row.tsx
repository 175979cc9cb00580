import { Component } from "preact";
import type { PendingMessage } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import { AnswerEnd } from "./answer-end.tsx";
import { Markdown } from "./markdown.tsx";
import { Avatar } from "./people-shown.tsx";
import { PlainText } from "./plain-text.tsx";
import type { Readers } from "./readers.ts";
import { Ticks } from "./ticks.tsx";
import { clockTime, fullTime } from "./times.ts";

export interface MessageRowProps {
  message: Message;
  isOwn: boolean;
  /** The previous message is by the same person and only a short time older. */
  continues: boolean;
  /** The question of an answer, unless it is right above. */
  question: Message | undefined;
  /** Shown below an own message. */
  readers: Readers | undefined;
  onStop: (messageId: number) => Promise<unknown>;
  onAskAgain: (messageId: number) => Promise<unknown>;
}

/** A row is drawn again only when something in it has changed, so that a long history is drawn once. */
export class MessageRow extends Component<MessageRowProps> {
  override shouldComponentUpdate(next: MessageRowProps) {
    return (
      next.message !== this.props.message ||
      next.isOwn !== this.props.isOwn ||
      next.continues !== this.props.continues ||
      next.question !== this.props.question ||
      next.readers !== this.props.readers
    );
  }

  override render(props: MessageRowProps) {
    const { message, isOwn, continues, question, readers, onStop, onAskAgain } = props;
    const kind = message.is_bot ? "answer" : isOwn ? "own" : "other";
    return (
      <li class={`row ${kind}${continues ? " continues" : ""}`}>
        {!isOwn && !continues && <Avatar userId={message.user_id} username={message.username} />}
        <div class="said">
          <p class="by">
            <strong>
              <bdi>{isOwn ? "You" : message.username}</bdi>
            </strong>{" "}
            <time dateTime={message.created_at} title={fullTime(message.created_at)}>
              {clockTime(message.created_at)}
            </time>
          </p>
          {question && (
            <p class="about">
              to <bdi>{question.username}</bdi>:{" "}
              <bdi>
                <PlainText text={question.content} />
              </bdi>
            </p>
          )}
          {message.is_bot ? (
            <>
              <Markdown text={message.content} />
              <AnswerEnd answer={message} onStop={onStop} onAskAgain={onAskAgain} />
            </>
          ) : (
            <p class="text" dir="auto">
              <PlainText text={message.content} />
            </p>
          )}
          {readers && <Ticks message={message} readers={readers} />}
        </div>
      </li>
    );
  }
}

const pendingWords = { queued: "Waiting to be sent", sending: "Sending", sent: "Sent" };

/** A message of one's own that the server has not confirmed yet. */
export function PendingRow({
  pending,
  onRetry,
  onDiscard,
}: {
  pending: PendingMessage;
  onRetry: (clientId: string) => void;
  onDiscard: (clientId: string) => void;
}) {
  const { client_id, content, state, problem } = pending;
  return (
    <li class="row own pending">
      <div class="said">
        <p class="text" dir="auto">
          <PlainText text={content} />
        </p>
        {state === "failed" ? (
          <div class="end failed" role="alert">
            <span>Not sent. {problem?.detail}</span>
            <button type="button" class="link" onClick={() => onRetry(client_id)}>
              Try again
            </button>
            <button type="button" class="link" onClick={() => onDiscard(client_id)}>
              Discard
            </button>
          </div>
        ) : (
          <p class="end">{pendingWords[state]}</p>
        )}
      </div>
    </li>
  );
}
