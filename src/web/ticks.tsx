import { useEffect, useState } from "preact/hooks";
import type { Reader } from "../client/details.ts";
import { asProblemError } from "../client/problem-error.ts";
import type { Message } from "../wire/messages.ts";
import { Dialog, useDialog } from "./dialog.tsx";
import { Icon } from "./icons.tsx";
import { namesOf } from "./names.ts";
import { Avatar } from "./people-shown.tsx";
import type { Readers } from "./readers.ts";
import { usePageParts } from "./page-parts.ts";
import { useRoomPeople } from "./room-people.ts";
import { fullTime } from "./times.ts";

/** The readers that the server names of one message at most. */
const namedMax = 20;

function wordsOf({ names }: Readers): string {
  if (names === undefined) return "Sent. Show who has read it";
  if (names.length === 0) return "Sent";
  return `Read by ${namesOf(names.map((username) => ({ username })))}`;
}

/** Below an own message: one tick for sent, two for read, filled ones for read by everybody. Opens the list of readers. */
export function Ticks({ message, readers }: { message: Message; readers: Readers }) {
  const dialog = useDialog<"readers">();
  const words = wordsOf(readers);
  const count = readers.names?.length ?? 0;
  return (
    <>
      <button
        type="button"
        class={`ticks${readers.isEverybody ? " everybody" : ""}`}
        title={words}
        aria-haspopup="dialog"
        onClick={() => dialog.open("readers")}
      >
        <Icon name={count > 0 ? "read" : "sent"} />
        {count > 1 && <span aria-hidden="true">{count}</span>}
        <span class="visually-hidden">{words}</span>
      </button>
      {dialog.name && <ReadersDialog key={dialog.key} message={message} onClose={dialog.close} />}
    </>
  );
}

function ReadersDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const { details } = usePageParts();
  const { nameOf } = useRoomPeople();
  const [readers, setReaders] = useState<readonly Reader[]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    details.listReaders(message.chat_id, message.id).then(setReaders, (error: unknown) => {
      setProblem(asProblemError(error).detail);
    });
  }, []);
  return (
    <Dialog title="Read by" onClose={onClose}>
      {(close) => (
        <>
          <ul class="people" tabIndex={0} aria-label="Readers of this message">
            {readers?.map(({ read_at, ...reader }) => (
              <li key={reader.user_id}>
                <Avatar userId={reader.user_id} name={nameOf(reader)} />
                <bdi class="name">{nameOf(reader)}</bdi>
                <time class="muted" dateTime={read_at}>
                  {fullTime(read_at)}
                </time>
              </li>
            ))}
          </ul>
          <p class="muted" role="status">
            {readers === undefined && problem === undefined && "Loading…"}
            {readers?.length === 0 &&
              "Nobody has read it yet, as far as people let others see what they have read."}
            {readers?.length === namedMax && `The first ${namedMax} are shown.`}
          </p>
          <p class="refusal" role="alert">
            {problem}
          </p>
          <footer>
            <button type="button" class="primary" onClick={close}>
              Done
            </button>
          </footer>
        </>
      )}
    </Dialog>
  );
}
