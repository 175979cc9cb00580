import type { Message } from "../wire/messages.ts";
import { textOrNames } from "./message-text.ts";
import { useRoomPeople } from "./room-people.ts";

export const deletedText = "This message was deleted";
export const blockedText = "A message of somebody you have blocked";
const quotedMax = 200;

/** The author and the beginning of a message in one line. @param message undefined if it is not loaded */
export function Quoted({ message }: { message: Message | undefined }) {
  const { nameOf, isBlocked } = useRoomPeople();
  if (!message) return <>An earlier message</>;
  if (isBlocked(message)) return <>{blockedText}</>;
  const text = message.deleted_at === null ? textOrNames(message).slice(0, quotedMax) : deletedText;
  return (
    <>
      <bdi>{nameOf(message)}</bdi>: <bdi>{text}</bdi>
    </>
  );
}

/** Above a reply: the message that it replies to, as a button that leads there. */
export function ReplyQuote({
  message,
  onGo,
}: {
  message: Message | undefined;
  onGo?: (() => void) | undefined;
}) {
  return (
    <button type="button" class="about quote" onClick={onGo} disabled={!onGo}>
      <span class="visually-hidden">In reply to </span>
      <Quoted message={message} />
    </button>
  );
}
