import { useState } from "preact/hooks";
import type { Room } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import type { Drafts } from "./drafts.ts";

export interface Composing {
  /** The text in the field: of the message that is edited, or the draft. */
  readonly text: string;
  write(text: string): void;
  /** The text of the draft, also while a message is edited. */
  readonly draft: string;
  readonly editing: Message | undefined;
  /** The id of the message that the draft replies to. */
  readonly replyTo: number | undefined;
  /** Raised when the person begins to reply or to edit, which moves the focus to the field. */
  readonly beginnings: number;
  /** Goes on with a text. */
  begin(text: string): void;
  reply(messageId: number): void;
  /** Begins a question to Gemini about a message. */
  ask(messageId: number): void;
  /** @param text default: the content of the message */
  edit(message: Message, text?: string): void;
  /** Goes back to an edit that was refused, unless the person edits another message now. */
  restore(message: Message, text: string): void;
  /** Ends the edit; without one, the reply. */
  cancel(): void;
  /** Takes the message out of the field. */
  clear(): void;
}

/** A text as a question to Gemini. */
export function askingGemini(text: string): string {
  return /^\s*\/bot(\s|$)/i.test(text) ? text : `/bot ${text}`;
}

/** The text that a person is writing in a room. An edit leaves the draft and its reply as they are. */
export function useComposing(room: Room, drafts: Drafts): Composing {
  const [draft, setDraft] = useState(() => drafts.read(room.chatId));
  const [edit, setEdit] = useState<{ message: Message; text: string }>();
  const [beginnings, setBeginnings] = useState(0);

  function keep(next: typeof draft) {
    setDraft(next);
    drafts.write(room.chatId, next);
  }

  function begin() {
    setBeginnings((count) => count + 1);
  }

  return {
    text: edit?.text ?? draft.text,
    write(text) {
      if (edit) setEdit({ ...edit, text });
      else keep({ ...draft, text });
    },
    draft: draft.text,
    editing: edit?.message,
    replyTo: edit ? undefined : draft.replyTo,
    beginnings,
    begin(text) {
      setEdit(undefined);
      keep({ ...draft, text });
      begin();
    },
    reply(replyTo) {
      setEdit(undefined);
      keep({ ...draft, replyTo });
      begin();
    },
    ask(replyTo) {
      setEdit(undefined);
      keep({ text: askingGemini(draft.text), replyTo });
      begin();
    },
    edit(message, text = message.content) {
      setEdit({ message, text });
      begin();
    },
    restore(message, text) {
      setEdit((current) => current ?? { message, text });
    },
    cancel() {
      if (edit) setEdit(undefined);
      else keep({ ...draft, replyTo: undefined });
    },
    clear() {
      if (edit) setEdit(undefined);
      else keep({ text: "", replyTo: undefined });
    },
  };
}
