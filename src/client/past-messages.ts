// `gemini-coop/client/past-messages`: a part of a chat's history before the newest messages, read on from in both directions.
import type { ServerFrame } from "../wire/server-frames.ts";
import type { Message } from "../wire/messages.ts";
import { lastState, messageOf } from "./message-states.ts";
import type { Client } from "./client.ts";
import { pageSize } from "./history.ts";
import { observe, type Observable } from "./observable.ts";
import { withReaction } from "./reactions.ts";
import { messagesMax } from "./room-log.ts";

export interface PastSnapshot {
  /** Messages without gaps, in the order of `seq`; empty until `show` was called. They follow edits, deletions and reactions. */
  readonly messages: readonly Message[];
  readonly hasOlder: boolean;
  /** False when the newest message was among them. Later ones are those of the room. */
  readonly hasNewer: boolean;
  readonly isLoading: boolean;
}

export interface PastMessages extends Observable<PastSnapshot> {
  /**
   * Shows the messages around a number, in the place of those shown before.
   * @returns the message with the number, or the next one; undefined where `show` or `clear` was called again meanwhile
   * @throws ProblemError
   */
  show(seq: number): Promise<Message | undefined>;
  /** Loads the page before the first message, unless something is being loaded, or 5,000 are in memory. @throws ProblemError */
  loadOlder(): Promise<void>;
  /** Loads the page after the last message likewise. @throws ProblemError */
  loadNewer(): Promise<void>;
  /** Shows nothing. */
  clear(): void;
  /** Ends all loading and all subscriptions. */
  close(): void;
}

/** Frames that are kept at most while a page is being loaded. */
const framesMax = 1_000;

/** A message after a frame. A frame that is late, or of another message, changes nothing. */
function after(held: Message, frame: ServerFrame): Message {
  if (!("message_id" in frame) || frame.message_id !== held.id) return held;
  if (!("updated_seq" in frame) || (frame.updated_seq ?? 0) <= held.updated_seq) return held;
  // After a reconnect, what was missed comes as `message` frames.
  if (frame.type === "message_updated" || frame.type === "message") return messageOf(frame);
  if (frame.type === "bot_stream" && frame.is_complete) return lastState(held, frame);
  if (frame.type !== "reaction") return held;
  return { ...withReaction(held, frame), updated_seq: frame.updated_seq };
}

/** The messages of a chat around any number. The client has to be connected and the chat's room open, or they don't follow changes. */
export function createPastMessages(
  { call, onFrame }: Pick<Client, "call" | "onFrame">,
  chatId: number,
): PastMessages {
  let messages: readonly Message[] = [];
  let hasOlder = false;
  let hasNewer = false;
  let isLoading = false;
  /** Increases with each `show` and `clear`, so that pages of before are recognised. */
  let epoch = 0;
  /** Frames that were received while a page is being loaded, which may be older than they are. */
  let during: ServerFrame[] = [];
  const observed = observe<PastSnapshot>(() => ({ messages, hasOlder, hasNewer, isLoading }));

  async function load(query: string, then: (loaded: Message[]) => void): Promise<boolean> {
    const own = epoch;
    isLoading = true;
    during = [];
    observed.changed();
    try {
      const loaded = await call<Message[]>("GET", `/api/chats/${chatId}/messages?${query}`);
      if (own === epoch) then(loaded.map((message) => during.reduce(after, message)));
      return own === epoch;
    } finally {
      if (own === epoch) isLoading = false;
      observed.changed();
    }
  }

  async function loadMore(query: string, then: (loaded: Message[]) => void) {
    if (isLoading || messages.length + pageSize > messagesMax) return;
    await load(`${query}&limit=${pageSize}`, then);
  }

  const end = onFrame((frame) => {
    if (isLoading && "updated_seq" in frame && during.length < framesMax) during.push(frame);
    const changed = messages.map((held) => after(held, frame));
    if (changed.every((message, index) => message === messages[index])) return;
    messages = changed;
    observed.changed();
  });

  return {
    ...observed.observable,
    async show(seq) {
      epoch += 1;
      const isCurrent = await load(`around_seq=${seq}&limit=${pageSize}`, (loaded) => {
        const older = loaded.filter((message) => message.seq < seq).length;
        messages = loaded;
        hasOlder = older === pageSize / 2;
        hasNewer = loaded.length - older === pageSize / 2;
      });
      if (!isCurrent) return undefined;
      return messages.find((message) => message.seq >= seq) ?? messages.at(-1);
    },
    loadOlder: () =>
      loadMore(`before_seq=${messages[0]?.seq ?? 0}`, (loaded) => {
        messages = [...loaded, ...messages];
        hasOlder = loaded.length === pageSize;
      }),
    loadNewer: () =>
      loadMore(`after_seq=${messages.at(-1)?.seq ?? 0}`, (loaded) => {
        messages = [...messages, ...loaded];
        hasNewer = loaded.length === pageSize;
      }),
    clear() {
      epoch += 1;
      isLoading = false;
      hasOlder = false;
      hasNewer = false;
      messages = [];
      observed.changed();
    },
    close() {
      epoch += 1;
      end();
      observed.end();
    },
  };
}
