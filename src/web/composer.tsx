import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Room } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import { AttachButton } from "./attach-button.tsx";
import { ComposerMode } from "./composer-mode.tsx";
import { askingGemini, type Composing } from "./composing.ts";
import { directionOfDraft } from "./directions.ts";
import { Icon } from "./icons.tsx";
import { isEnterOfInputMethod } from "./input-method.ts";
import { lazyPart } from "./lazy.ts";
import type { Mentionable } from "./mention-at.ts";
import { MentionList, useMentionCompletion } from "./mention-list.tsx";
import { useCoarsePointer } from "./pointer.ts";
import { RecordButton, useRecording } from "./recording.tsx";
import type { Uploads } from "./uploads.ts";
import { Recorder } from "./voice.ts";

/** Counts characters as the server does: code points, not UTF-16 units. */
const charactersMax = 16_000;
/** From this length on, the writer sees how many characters are left. */
const charactersNear = 15_000;

/** Loaded after the room is shown. */
const UploadList = lazyPart(
  () => import("./upload-list.tsx").then((module) => module.UploadList),
  ({ uploads: { files } }: { uploads: Uploads }) =>
    files.length > 0 ? <p class="muted">Files: {files.length}</p> : null,
);

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

interface ComposerProps {
  room: Room;
  name: string;
  isAiChat: boolean;
  /** People who can be mentioned. */
  people: readonly Mentionable[];
  messages: readonly Message[];
  composing: Composing;
  uploads: Uploads;
  /** Receives the text without white space at its ends. */
  onSend: (text: string) => void;
  /** The arrow up was pressed in the empty field. */
  onEditLast: () => void;
}

/** The field of the draft. It is as high as its text, and has the focus where that covers nothing. */
function useField({ text, beginnings }: Composing) {
  const box = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    if (!box.current) return;
    box.current.style.height = "auto";
    box.current.style.height = `${box.current.scrollHeight}px`;
  }, [text]);
  // On a phone, the keyboard would cover the messages that the reader has come for.
  useEffect(() => {
    if (beginnings > 0 || matchMedia("(hover: hover)").matches) box.current?.focus();
  }, [beginnings]);
  return box;
}

/** The text as it would be sent, its length, and whether it may be sent now. */
function draftOf({ text, editing }: Composing, uploads: Uploads) {
  const trimmed = text.trim();
  const characters = text.length > charactersNear ? [...trimmed].length : trimmed.length;
  const hasFiles = (editing ? editing.attachments : uploads.ids).length > 0;
  const isWaiting = !editing && uploads.isBusy;
  const canSend = (trimmed !== "" || hasFiles) && characters <= charactersMax && !isWaiting;
  return { trimmed, characters, canSend };
}

function SendButton({ isEditing, canSend }: { isEditing: boolean; canSend: boolean }) {
  const label = isEditing ? "Save" : "Send";
  return (
    <button class="primary square" aria-label={label} title={label} disabled={!canSend}>
      <Icon name={isEditing ? "check" : "send"} />
    </button>
  );
}

/** Adds the files that are pasted. Text is left to the browser. */
function pasteFiles(event: ClipboardEvent, uploads: Uploads) {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  uploads.add(files);
}

function Hint({ isTouch }: { isTouch: boolean }) {
  return (
    <span id="composer-hint" class="visually-hidden">
      {isTouch
        ? "Enter begins a new line, the button sends."
        : "Enter sends, Shift and Enter begins a new line."}
    </span>
  );
}

export function Composer({
  room,
  name,
  isAiChat,
  people,
  messages,
  composing,
  uploads,
  onSend,
  onEditLast,
}: ComposerProps) {
  const { text, write, editing, replyTo } = composing;
  const box = useField(composing);
  const isTouch = useCoarsePointer();
  const recording = useRecording();
  const mentions = useMentionCompletion({ box, text, people, onWrite: write });

  const { trimmed, characters, canSend } = draftOf(composing, uploads);

  function send() {
    if (canSend) onSend(trimmed);
  }

  /** On-screen keyboards have no Shift and Enter: there, Enter begins a new line, and the button sends. */
  function onKeyDown(event: KeyboardEvent) {
    if (mentions.onKeyDown(event) || event.isComposing) return;
    if (event.key === "Escape" && (editing || replyTo !== undefined)) composing.cancel();
    if (event.key === "ArrowUp" && text === "" && !editing) {
      event.preventDefault();
      onEditLast();
    }
    if (event.key !== "Enter" || isEnterOfInputMethod(event)) return;
    const isSending = isTouch ? event.ctrlKey || event.metaKey : !event.shiftKey;
    if (!isSending) return;
    event.preventDefault();
    send();
  }

  if (recording.isOn) {
    return (
      <Recorder
        room={room}
        replyTo={replyTo}
        press={recording.press}
        onEnd={(isSent) => {
          recording.end();
          if (isSent) composing.cancel();
        }}
      />
    );
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
      <ComposerMode
        composing={composing}
        messages={messages}
        onCancel={() => {
          composing.cancel();
          // The button is gone now, and would drop the focus.
          box.current?.focus();
        }}
      />
      <UploadList uploads={uploads} />
      {!editing && <AttachButton uploads={uploads} />}
      {!editing && trimmed === "" && uploads.files.length === 0 && (
        <RecordButton onRecord={recording.begin} />
      )}
      {!isAiChat && !editing && (
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
          if (!editing) room.typing();
        }}
        onKeyDown={onKeyDown}
        onPaste={(event) => !editing && pasteFiles(event, uploads)}
      />
      <Hint isTouch={isTouch} />
      <MentionList of={mentions} />
      <CharactersLeft characters={characters} />
      <SendButton isEditing={editing !== undefined} canSend={canSend} />
    </form>
  );
}
