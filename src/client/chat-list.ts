// `gemini-coop/client/chat-list`: the chats of the person who is signed in as a list to show, newest activity first, with
// unread counts. While anybody watches it, it is loaded again when something has happened, at most once in a while, since
// unread messages are counted by the server.
import type { ChatSummary } from "../wire/chats.ts";
import type { ServerFrame } from "../wire/frames.ts";
import { createAlarm } from "./alarm.ts";
import type { Client } from "./client.ts";
import { observe, type Observable } from "./observable.ts";
import { asProblemError, type ProblemError } from "./problem-error.ts";

export interface ChatListSnapshot {
  /** Undefined until the list was loaded. */
  readonly chats: readonly ChatSummary[] | undefined;
  /** Why it could not be loaded at the last try. */
  readonly problem: ProblemError | undefined;
}

/** Loaded, and kept up to date, while it has a subscriber. */
export interface ChatList extends Observable<ChatListSnapshot> {
  /** Loads it now, as after `markRead`. Never rejects: see the snapshot's `problem`. */
  refresh(): Promise<void>;
}

const refreshMsMin = 1_500;
const retryMs = 5_000;

/** A list of a client's. It needs no end: without a subscriber it does nothing. */
export function createChatList(client: Client): ChatList {
  let chats: readonly ChatSummary[] | undefined;
  let problem: ProblemError | undefined;
  let watchers = 0;
  let stopWatching = () => {};
  let loading: Promise<void> | undefined;
  let loadedAtMs = 0;
  let ownerId: number | undefined;
  let isOpen = false;
  /** Grows when another person's chats are to be shown. */
  let turn = 0;
  const alarm = createAlarm();
  const observed = observe<ChatListSnapshot>(() => ({ chats, problem }));

  async function load() {
    const own = turn;
    loadedAtMs = Date.now();
    try {
      const loaded = await client.api.listChats();
      if (own !== turn) return;
      chats = loaded;
      problem = undefined;
    } catch (error) {
      if (own !== turn) return;
      problem = asProblemError(error);
      plan(retryMs);
    }
    observed.changed();
  }

  function refresh(): Promise<void> {
    alarm.clear();
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  /** Loads it in a moment, and not too soon after the last time. */
  function plan(ms = 0) {
    if (watchers === 0 || alarm.isSet || !client.session.getSnapshot().signedIn) return;
    alarm.set(Math.max(ms, loadedAtMs + refreshMsMin - Date.now(), 0), () => {
      // What is being loaded may be older than what has happened.
      if (loading) plan(refreshMsMin);
      else void refresh();
    });
  }

  /** Moves a chat to the top with its newest message, before the server's list is there. */
  function touch(chatId: number, text: string, time: string) {
    const chat = chats?.find(({ id }) => id === chatId);
    if (!chats || !chat || (chat.last_message_time ?? "") > time) return;
    const newest = { ...chat, last_message: text, last_message_time: time };
    chats = [newest, ...chats.filter(({ id }) => id !== chatId)];
    observed.changed();
  }

  function hear(frame: ServerFrame) {
    switch (frame.type) {
      case "message":
        return touch(frame.chat_id, frame.content, frame.created_at);
      case "chat_activity":
        touch(frame.chat_id, frame.last_message, frame.last_message_time);
        return plan();
      case "chat_updated":
      case "chat_created":
      case "chat_invite":
      case "chat_deleted":
      case "removed_from_chat":
        plan();
    }
  }

  function identify() {
    const { signedIn, user } = client.session.getSnapshot();
    const isOther = !signedIn || (user && ownerId !== undefined && user.id !== ownerId);
    ownerId = user?.id ?? (signedIn ? ownerId : undefined);
    if (isOther) {
      turn += 1;
      chats = undefined;
      problem = undefined;
      loadedAtMs = 0;
      alarm.clear();
      observed.changed();
    }
    plan();
  }

  function reconnected() {
    const { state } = client.connection.getSnapshot();
    const isOpenNow = state === "live" || state === "catching_up";
    // There may be news of the time when it was not.
    if (isOpenNow && !isOpen) plan();
    isOpen = isOpenNow;
  }

  function watch() {
    const ends = [
      client.onFrame(hear),
      client.session.subscribe(identify),
      client.connection.subscribe(reconnected),
    ];
    identify();
    return () => {
      alarm.clear();
      for (const end of ends) end();
    };
  }

  return {
    subscribe(listener) {
      watchers += 1;
      if (watchers === 1) stopWatching = watch();
      const end = observed.observable.subscribe(listener);
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        end();
        watchers -= 1;
        if (watchers === 0) stopWatching();
      };
    },
    getSnapshot: observed.observable.getSnapshot,
    refresh,
  };
}
