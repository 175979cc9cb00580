import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Room } from "../client/client.ts";
import { directionOfDraft } from "./directions.ts";
import { Icon } from "./icons.tsx";

/** As the server counts: characters, not UTF-16 units. */
const charactersMax = 16_000;
/** From here on the writer sees how much is left. */
const charactersNear = 15_000;

/** What its writer has begun in each chat. */
export type Drafts = Map<number, string>;

function askingGemini(text: string): string {
  return /^\/bot(\s|$)/i.test(text) ? text : `/bot ${text}`;
}

export function Composer({
  room,
  name,
  isAiChat,
  drafts,
  onSent,
}: {
  room: Room;
  name: string;
  isAiChat: boolean;
  drafts: Drafts;
  onSent: () => void;
}) {
  const [text, setText] = useState(() => drafts.get(room.chatId) ?? "");
  const box = useRef<HTMLTextAreaElement>(null);
  // As high as its text.
  useLayoutEffect(() => {
    if (!box.current) return;
    box.current.style.height = "auto";
    box.current.style.height = `${box.current.scrollHeight}px`;
  }, [text]);
  // On a phone the keyboard would cover what one came to read.
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) box.current?.focus();
  }, []);

  function write(next: string) {
    setText(next);
    drafts.set(room.chatId, next);
  }

  const trimmed = text.trim();
  const characters = text.length > charactersNear ? [...trimmed].length : trimmed.length;
  const isTooLong = characters > charactersMax;

  function send() {
    if (trimmed === "" || isTooLong) return;
    room.send(trimmed);
    write("");
    onSent();
  }

  function onKeyDown(event: KeyboardEvent) {
    // While an input method composes a character, Enter is its own.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {!isAiChat && (
        <button
          type="button"
          class="quiet square"
          aria-label="Ask Gemini"
          title="Ask Gemini"
          onClick={() => {
            write(askingGemini(text));
            box.current?.focus();
          }}
        >
          <Icon name="sparkle" />
        </button>
      )}
      <textarea
        ref={box}
        rows={1}
        dir={directionOfDraft(text)}
        value={text}
        aria-label={`Message to ${name}`}
        aria-describedby="composer-hint"
        placeholder={isAiChat ? "Ask Gemini" : "Message, or /bot …"}
        onInput={(event) => {
          write(event.currentTarget.value);
          room.typing();
        }}
        onKeyDown={onKeyDown}
      />
      <span id="composer-hint" class="visually-hidden">
        Enter sends, Shift and Enter begins a new line.
      </span>
      {characters > charactersNear && (
        <span class="count" role="status">
          {isTooLong
            ? `${characters - charactersMax} characters too many`
            : `${charactersMax - characters} characters left`}
        </span>
      )}
      <button
        class="primary square"
        aria-label="Send"
        title="Send"
        disabled={trimmed === "" || isTooLong}
      >
        <Icon name="send" />
      </button>
    </form>
  );
}
