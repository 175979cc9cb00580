import { Component } from "preact";
import type { PendingMessage } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import { AnswerEnd } from "./answer-end.tsx";
import { Markdown } from "./markdown.tsx";
import { Avatar } from "./people-shown.tsx";
import { clockTime, fullTime } from "./times.ts";

export interface MessageRowProps {
  message: Message;
  isOwn: boolean;
  /** The same person goes on. */
  continues: boolean;
  /** What an answer answers, unless it stands right above. */
  question: Message | undefined;
  onStop: (messageId: number) => Promise<unknown>;
  onAskAgain: (messageId: number) => Promise<unknown>;
}

/** A long history is drawn once: a row is drawn again only when something of it has changed. */
export class MessageRow extends Component<MessageRowProps> {
  override shouldComponentUpdate(next: MessageRowProps) {
    return (
      next.message !== this.props.message ||
      next.isOwn !== this.props.isOwn ||
      next.continues !== this.props.continues ||
      next.question !== this.props.question
    );
  }

  override render({ message, isOwn, continues, question, onStop, onAskAgain }: MessageRowProps) {
    const kind = message.is_bot ? "answer" : isOwn ? "own" : "other";
    return (
      <li class={`row ${kind}${continues ? " continues" : ""}`}>
        {!isOwn && !continues && <Avatar userId={message.user_id} username={message.username} />}
        <div class="said">
          <p class="by">
            <strong>{isOwn ? "You" : message.username}</strong>{" "}
            <time dateTime={message.created_at} title={fullTime(message.created_at)}>
              {clockTime(message.created_at)}
            </time>
          </p>
          {question && (
            <p class="about">
              to {question.username}: {question.content}
            </p>
          )}
          {message.is_bot ? (
            <>
              <Markdown text={message.content} />
              <AnswerEnd answer={message} onStop={onStop} onAskAgain={onAskAgain} />
            </>
          ) : (
            <p class="text">{message.content}</p>
          )}
        </div>
      </li>
    );
  }
}

const pendingWords = { queued: "Waiting to be sent", sending: "Sending", sent: "Sent" };

/** A message of our own that is not in the room yet. */
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
        <p class="text">{content}</p>
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
