// One room for people: what it shows, and what they do in it.
import type { ServerFrame } from "../wire/frames.ts";
import type { Message } from "../wire/messages.ts";
import type { Api } from "./api.ts";
import type { PauseMs } from "./close-plans.ts";
import type { Connection } from "./connection.ts";
import { observe } from "./observable.ts";
import type { Outbox } from "./outbox.ts";
import { createRoomLog, messagesMax } from "./room-log.ts";
import type { Room, RoomSnapshot } from "./room-snapshot.ts";
import { createRoomSync, loadPage, pageSize } from "./room-sync.ts";
import type { Timing } from "./timing.ts";
import { createTypists } from "./typists.ts";

/** The server passes them on this often. */
const typingMsMin = 3_000;
/** Updates of messages that are being loaded. */
const straysMax = 200;

export interface RoomParts {
  chatId: number;
  api: Api;
  connection: Connection;
  outbox: Outbox;
  timing: Timing;
  pauseMs: PauseMs;
  /** The person who is signed in. */
  ownId: () => number | undefined;
  /** The room's state may be another. */
  onState: () => void;
  onClose: () => void;
}

export type RoomInside = ReturnType<typeof createRoom>;

export function createRoom(parts: RoomParts) {
  const { chatId, api, connection, outbox, ownId } = parts;
  const log = createRoomLog(({ client_id, user_id, id, seq }) => {
    if (client_id !== null && user_id === ownId()) outbox.seen(chatId, client_id, id, seq);
  });
  let handles = 0;
  let isOver = false;
  let loadingOlder = false;
  let lastTypingMs = 0;
  let wanted = 0;
  let marked = 0;
  let marking: Promise<void> | undefined;
  let strays: ServerFrame[] = [];

  const observed = observe<RoomSnapshot>(() => ({
    ...log.shown,
    state: sync.state,
    chat: log.shown.chat && { ...log.shown.chat, last_seq: sync.position },
    pending: outbox.pendingOf(chatId),
    typing: typists.list(),
    loadingOlder,
    problem: sync.problem,
  }));
  const typists = createTypists(observed.changed);
  const sync = createRoomSync({
    ...parts,
    log,
    on: {
      applied(frame, misfit) {
        if (frame.type === "typing") typists.add(frame);
        if (frame.type === "message") typists.remove(frame.user_id);
        if (misfit === "unknown" && loadingOlder && strays.length < straysMax) strays.push(frame);
        // Whether it is still so, the server says.
        if (frame.type === "participant_removed" && frame.user_id === ownId()) sync.join();
        observed.changed();
      },
      reached: (position) => outbox.reached(chatId, position),
      change() {
        observed.changed();
        parts.onState();
      },
    },
  });

  async function loadOlder(): Promise<boolean> {
    const { messages, hasOlder } = log.shown;
    const [first] = messages;
    if (loadingOlder || !hasOlder || !first) return hasOlder;
    if (messages.length + pageSize > messagesMax) return false;
    loadingOlder = true;
    strays = [];
    observed.changed();
    try {
      const page = await loadPage(api, chatId, pageSize, first.seq);
      // Unless the room was loaded anew.
      if (log.shown.messages[0]?.id === first.id) {
        log.prepend(page);
        for (const frame of strays) log.apply(frame);
      }
    } finally {
      loadingOlder = false;
      observed.changed();
    }
    return log.shown.hasOlder;
  }

  async function pushReadMark() {
    try {
      while (wanted > marked) {
        const seq = wanted;
        await api.markRead(chatId, seq);
        marked = seq;
      }
    } catch {
      // The next call has another chance.
      wanted = marked;
    } finally {
      marking = undefined;
    }
  }

  function close() {
    // A client that was signed out has closed its rooms before those who opened them do.
    if (isOver) return;
    isOver = true;
    parts.onClose();
    typists.clear();
    sync.lose();
    observed.end();
    connection.post({ type: "leave", chat_id: chatId });
  }

  /** As often as it was opened it has to be closed. */
  function open(): Room {
    let isOpen = true;
    handles += 1;
    return {
      ...room,
      close() {
        if (!isOpen) return;
        isOpen = false;
        handles -= 1;
        if (handles === 0) close();
      },
    };
  }

  const room: Omit<Room, "close"> = {
    chatId,
    ...observed.observable,
    send: (content) => outbox.send(chatId, content),
    retry: outbox.retry,
    discard: outbox.discard,
    typing() {
      if (Date.now() - lastTypingMs < typingMsMin) return;
      lastTypingMs = Date.now();
      connection.post({ type: "typing", chat_id: chatId });
    },
    loadOlder,
    markRead(seq = log.shown.messages.at(-1)?.seq ?? 0) {
      wanted = Math.max(wanted, seq);
      return (marking ??= pushReadMark());
    },
    stop: (messageId: number): Promise<Message> => api.stopAnswer(chatId, messageId),
    regenerate: (messageId: number): Promise<Message> => api.regenerateAnswer(chatId, messageId),
  };

  return {
    open,
    sync,
    /** What is pending has changed. */
    changed: observed.changed,
    lose() {
      typists.clear();
      sync.lose();
    },
    close,
  };
}
