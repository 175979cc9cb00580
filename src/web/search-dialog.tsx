import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import type { Client } from "../client/client.ts";
import { createSearch, type SearchItem, type SearchSnapshot } from "../client/search.ts";
import { Dialog } from "./dialog.tsx";
import { useSnapshot } from "./observing.ts";
import { messageAddress } from "./place.ts";
import { snippetOf } from "./snippet.ts";
import { useAuthors, useNameOf } from "./shown-names.ts";
import { fullTime, shortTime } from "./times.ts";

/** A search begins when the person has not typed for so long. */
const pauseMs = 250;

/** Finds messages in one chat or in all of them, and leads to them. */
export function SearchDialog({
  client,
  chat,
  onClose,
}: {
  client: Client;
  /** The chat that is searched unless the person chooses all of them. */
  chat?: { id: number; name: string } | undefined;
  onClose: () => void;
}) {
  const search = useMemo(() => createSearch(client), [client]);
  useEffect(() => search.cancel, [search]);
  const snapshot = useSnapshot(search);
  useAuthors(snapshot.items.map(({ message }) => message.user_id));
  const [text, setText] = useState("");
  const [isInChat, setInChat] = useState(chat !== undefined);
  const chatId = isInChat ? chat?.id : undefined;
  useEffect(() => {
    const q = text.trim();
    if (q === "") return search.cancel();
    const timer = setTimeout(() => void search.find({ q, chat_id: chatId }), pauseMs);
    return () => clearTimeout(timer);
  }, [text, chatId]);
  const results = useRef<HTMLUListElement>(null);

  return (
    <Dialog title="Search messages" onClose={onClose}>
      {(close) => (
        <div
          class="search"
          onKeyDown={(event) => {
            if (moveFocus(event.key, results.current)) event.preventDefault();
          }}
        >
          <SearchField text={text} onInput={setText} />
          {chat && (
            <label class="check">
              <input
                type="checkbox"
                checked={isInChat}
                onChange={(event) => setInChat(event.currentTarget.checked)}
              />
              <span>
                Only in <bdi>{chat.name}</bdi>
              </span>
            </label>
          )}
          <p class="muted" role="status">
            {stateWords(snapshot, text.trim() !== "")}
          </p>
          <p class="refusal" role="alert">
            {snapshot.problem?.detail}
          </p>
          {snapshot.items.length > 0 && (
            <ul class="results" ref={results}>
              {snapshot.items.map((item) => (
                <li key={item.message.id}>
                  <Result item={item} hasChat={chatId === undefined} onChoose={close} />
                </li>
              ))}
            </ul>
          )}
          {snapshot.hasMore && (
            <button
              type="button"
              disabled={snapshot.isSearching}
              onClick={() => void search.more()}
            >
              Older messages
            </button>
          )}
        </div>
      )}
    </Dialog>
  );
}

function SearchField({ text, onInput }: { text: string; onInput: (text: string) => void }) {
  const inputId = useId();
  return (
    <div class="field">
      <label for={inputId}>Words to find</label>
      <input
        id={inputId}
        type="search"
        dir="auto"
        autocomplete="off"
        autofocus
        maxLength={200}
        value={text}
        aria-describedby={`${inputId}-hint`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <small id={`${inputId}-hint`} class="muted">
        “Two words” in quotes follow each other; -word is left out.
      </small>
    </div>
  );
}

function stateWords(
  { options, items, isSearching, hasMore, problem }: SearchSnapshot,
  isAsked: boolean,
): string {
  if (!isAsked || problem) return "";
  if (isSearching || !options) return "Searching…";
  if (items.length === 0) return hasMore ? "Nothing found so far." : "Nothing found.";
  const count = items.length === 1 ? "1 message" : `${items.length} messages`;
  return hasMore ? `The newest ${count}` : `${count} found`;
}

/** Moves the focus between the results, and from the field to the first one. @returns whether the key does so */
function moveFocus(key: string, list: HTMLElement | null): boolean {
  const step = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !list) return false;
  const links = [...list.querySelectorAll("a")];
  const index = links.findIndex((link) => link === document.activeElement);
  const next = links[index + step];
  if (index < 0 && step < 0) return false;
  next?.focus();
  return next !== undefined;
}

function Result({
  item: { message, chat, highlights },
  hasChat,
  onChoose,
}: {
  item: SearchItem;
  hasChat: boolean;
  onChoose: () => void;
}) {
  const name = useNameOf(message.user_id ?? undefined, message.username);
  return (
    <a href={messageAddress(chat.id, message.seq)} onClick={onChoose}>
      <span class="heading">
        <strong>
          <bdi>{name}</bdi>
        </strong>
        {hasChat && (
          <span class="muted">
            {" in "}
            <bdi>{chat.name}</bdi>
          </span>
        )}
        <time class="muted" dateTime={message.created_at} title={fullTime(message.created_at)}>
          {shortTime(message.created_at)}
        </time>
      </span>
      <span class="snippet" dir="auto">
        {snippetOf(message.content, highlights).map(({ text, isMatch }) =>
          isMatch ? <mark>{text}</mark> : text,
        )}
      </span>
      {message.attachments.length > 0 && (
        <span class="snippet muted" dir="auto">
          {wordsOfFiles(message)}
        </span>
      )}
    </a>
  );
}

/** The transcripts of a message's files, or their names. */
function wordsOfFiles({ attachments }: SearchItem["message"]): string {
  return attachments
    .map(({ kind, name, transcript }) => transcript ?? (kind === "voice" ? "Voice message" : name))
    .join(", ");
}
