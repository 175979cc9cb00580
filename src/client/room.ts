// One room for people: what it shows, and what they do in it.
import type { RoomFrame } from "../wire/frames.ts";
import type { Message } from "../wire/messages.ts";
import type { Api } from "./api.ts";
import type { Connection } from "./connection.ts";
import { observe } from "./observable.ts";
import type { Outbox } from "./outbox.ts";
import { createRoomLog, messagesMax } from "./room-log.ts";
import type { Room, RoomSnapshot } from "./room-snapshot.ts";
import { createRoomSync, pageSize } from "./room-sync.ts";
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
  /** Milliseconds before try number `tries`. */
  pauseMs: (tries: number) => number;
  /** The person who is signed in. */
  ownId: () => number | undefined;
  /** The room's state may be another. */
  onState: () => void;
}

export type RoomInside = ReturnType<typeof createRoom>;

export function createRoom(parts: RoomParts) {
  const { chatId, api, connection, outbox, ownId } = parts;
  const log = createRoomLog();
  let loadingOlder = false;
  let lastTypingMs = 0;
  let wanted = 0;
  let marked = 0;
  let marking: Promise<void> | undefined;
  let strays: RoomFrame[] = [];

  const observed = observe<RoomSnapshot>(() => ({
    state: sync.state,
    chat: log.chat && { ...log.chat, last_seq: sync.position },
    participants: log.participants,
    messages: log.messages,
    pending: outbox.pendingOf(chatId),
    online: log.online,
    typing: typists.list(),
    hasOlder: log.hasOlder,
    loadingOlder,
    problem: sync.problem,
  }));
  const typists = createTypists(observed.changed);
  const sync = createRoomSync({
    ...parts,
    log,
    on: {
      applied(frame, applied) {
        if (frame.type === "typing") typists.add(frame);
        if (frame.type === "message") typists.remove(frame.user_id);
        if (applied === "unknown" && loadingOlder && strays.length < straysMax) strays.push(frame);
        // Whether it is still so, the server says.
        if (frame.type === "participant_removed" && frame.user_id === ownId()) sync.join();
        observed.changed();
      },
      message({ client_id, user_id, id, seq }) {
        if (client_id !== null && user_id === ownId()) outbox.seen(chatId, client_id, id, seq);
      },
      reached: (position) => outbox.reached(chatId, position),
      change() {
        observed.changed();
        parts.onState();
      },
    },
  });

  async function loadOlder(): Promise<boolean> {
    const first = log.messages[0];
    if (loadingOlder || !log.hasOlder || !first) return log.hasOlder;
    if (log.messages.length + pageSize > messagesMax) return false;
    loadingOlder = true;
    strays = [];
    observed.changed();
    try {
      const page = await api.listMessages(chatId, { before_seq: first.seq, limit: pageSize });
      // Unless the room was loaded anew.
      if (log.messages[0]?.id === first.id) {
        log.prepend(page);
        for (const frame of strays) log.apply(frame);
      }
    } finally {
      loadingOlder = false;
      observed.changed();
    }
    return log.hasOlder;
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

  const room: Omit<Room, "close"> = {
    chatId,
    ...observed.observable,
    send: (content) => outbox.send(chatId, content),
    retry: outbox.retry,
    discard: outbox.discard,
    typing() {
      if (Date.now() - lastTypingMs < typingMsMin) return;
      if (connection.post({ type: "typing", chat_id: chatId })) lastTypingMs = Date.now();
    },
    loadOlder,
    markRead(seq = log.messages.at(-1)?.seq ?? 0) {
      wanted = Math.max(wanted, seq);
      return (marking ??= pushReadMark());
    },
    stop: (messageId: number): Promise<Message> => api.stopAnswer(chatId, messageId),
    regenerate: (messageId: number): Promise<Message> => api.regenerateAnswer(chatId, messageId),
  };

  return {
    room,
    state: () => sync.state,
    join: () => sync.join(),
    hear: sync.hear,
    expect: sync.expect,
    /** What is pending has changed. */
    changed: observed.changed,
    lose() {
      typists.clear();
      sync.lose();
    },
    close() {
      typists.clear();
      sync.lose();
      observed.end();
      connection.post({ type: "leave", chat_id: chatId });
    },
  };
}
