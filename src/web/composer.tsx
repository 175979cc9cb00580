import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Room } from "../client/client.ts";
import { directionOfDraft } from "./directions.ts";
import type { Drafts } from "./drafts.ts";
import { Icon } from "./icons.tsx";
import { isEnterOfInputMethod } from "./input-method.ts";
import type { Mentionable } from "./mention-at.ts";
import { MentionList, useMentionCompletion } from "./mention-list.tsx";
import { useCoarsePointer } from "./pointer.ts";

/** Counts characters as the server does: code points, not UTF-16 units. */
const charactersMax = 16_000;
/** From this length on, the writer sees how many characters are left. */
const charactersNear = 15_000;

function askingGemini(text: string): string {
  return /^\s*\/bot(\s|$)/i.test(text) ? text : `/bot ${text}`;
}

function AskGeminiButton({ onClick }: { onClick: () => void }) {
  return (
    <button
      type="button"
      class="quiet square"
      aria-label="Ask Gemini"
      title="Ask Gemini"
      onClick={onClick}
    >
      <Icon name="sparkle" />
    </button>
  );
}

function CharactersLeft({ characters }: { characters: number }) {
  if (characters <= charactersNear) return null;
  return (
    <span class="count" role="status">
      {characters > charactersMax
        ? `${characters - charactersMax} characters too many`
        : `${charactersMax - characters} characters left`}
    </span>
  );
}

export function Composer({
  room,
  name,
  isAiChat,
  people,
  drafts,
  onSent,
}: {
  room: Room;
  name: string;
  isAiChat: boolean;
  /** Those who can be mentioned. */
  people: readonly Mentionable[];
  drafts: Drafts;
  onSent: () => void;
}) {
  const [text, setText] = useState(() => drafts.read(room.chatId));
  const box = useRef<HTMLTextAreaElement>(null);
  const isTouch = useCoarsePointer();
  // The field is as high as its text.
  useLayoutEffect(() => {
    if (!box.current) return;
    box.current.style.height = "auto";
    box.current.style.height = `${box.current.scrollHeight}px`;
  }, [text]);
  // On a phone, the keyboard would cover the messages that the reader has come for.
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) box.current?.focus();
  }, []);

  function write(next: string) {
    setText(next);
    drafts.write(room.chatId, next);
  }

  const mentions = useMentionCompletion({ box, text, people, onWrite: write });

  const trimmed = text.trim();
  const characters = text.length > charactersNear ? [...trimmed].length : trimmed.length;
  const isTooLong = characters > charactersMax;

  function send() {
    if (trimmed === "" || isTooLong) return;
    room.send(trimmed);
    write("");
    onSent();
  }

  /** On-screen keyboards have no Shift and Enter: there, Enter begins a new line, and the button sends. */
  function onKeyDown(event: KeyboardEvent) {
    if (mentions.onKeyDown(event)) return;
    if (event.key !== "Enter" || isEnterOfInputMethod(event)) return;
    const isSending = isTouch ? event.ctrlKey || event.metaKey : !event.shiftKey;
    if (!isSending) return;
    event.preventDefault();
    send();
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
        // The button is disabled now, and would drop the focus, and with it the keyboard of a phone.
        box.current?.focus();
      }}
    >
      {!isAiChat && (
        <AskGeminiButton
          onClick={() => {
            write(askingGemini(text));
            box.current?.focus();
          }}
        />
      )}
      <textarea
        ref={box}
        rows={1}
        dir={directionOfDraft(text)}
        value={text}
        aria-label={`Message to ${name}`}
        aria-describedby="composer-hint"
        placeholder={isAiChat ? "Ask Gemini" : "Message, or /bot …"}
        enterkeyhint={isTouch ? "enter" : "send"}
        {...mentions.attributes}
        onSelect={(event) => mentions.leave(event.currentTarget)}
        onBlur={() => mentions.leave()}
        onInput={(event) => {
          mentions.follow(event.currentTarget);
          write(event.currentTarget.value);
          room.typing();
        }}
        onKeyDown={onKeyDown}
      />
      <span id="composer-hint" class="visually-hidden">
        {isTouch
          ? "Enter begins a new line, the button sends."
          : "Enter sends, Shift and Enter begins a new line."}
      </span>
      <MentionList of={mentions} />
      <CharactersLeft characters={characters} />
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
