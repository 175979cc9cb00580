import { useEffect, useState } from "preact/hooks";
import type { Reader } from "../client/details.ts";
import { asProblemError } from "../client/problem-error.ts";
import type { Message } from "../wire/messages.ts";
import { Dialog } from "./dialog.tsx";
import { usePageParts } from "./page-parts.ts";
import { Avatar } from "./people-shown.tsx";
import { useRoomPeople } from "./room-people.ts";
import { fullTime } from "./times.ts";

/** The readers that the server names of one message at most. */
const namedMax = 20;

/** The people who have read a message, as far as they let others see it. */
export function ReadersDialog({ message, onClose }: { message: Message; onClose: () => void }) {
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
