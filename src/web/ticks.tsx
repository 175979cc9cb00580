import type { Message } from "../wire/messages.ts";
import { useDialog } from "./dialog.tsx";
import { ReadersDialog } from "./dialogs.tsx";
import { Icon } from "./icons.tsx";
import { namesOf } from "./names.ts";
import type { Readers } from "./readers.ts";

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
