// The caller's chats as a list to show: newest activity first, with unread counts. While anybody watches it, it is loaded
// again when something has happened, at most once in a while, since unread messages are counted by the server.
import type { ChatSummary } from "../wire/chats.ts";
import type { ServerFrame } from "../wire/frames.ts";
import type { Message } from "../wire/messages.ts";
import type { Api } from "./api.ts";
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
  /** Loads it now. Never throws: see the snapshot's `problem`. */
  refresh(): Promise<void>;
}

const refreshMsMin = 1_500;

export type ChatListInside = ReturnType<typeof createChatList>;

export function createChatList({
  api,
  isSignedIn,
  pauseMs,
}: {
  api: Pick<Api, "listChats">;
  isSignedIn: () => boolean;
  pauseMs: (tries: number) => number;
}) {
  let chats: readonly ChatSummary[] | undefined;
  let problem: ProblemError | undefined;
  let watchers = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let loading: Promise<void> | undefined;
  let loadedAtMs = 0;
  let tries = 0;
  let turn = 0;
  const observed = observe<ChatListSnapshot>(() => ({ chats, problem }));

  async function load() {
    const own = turn;
    loadedAtMs = Date.now();
    try {
      const loaded = await api.listChats();
      if (own !== turn) return;
      chats = loaded;
      problem = undefined;
      tries = 0;
    } catch (error) {
      if (own !== turn) return;
      problem = asProblemError(error);
      tries += 1;
      if (isSignedIn()) plan(pauseMs(tries));
    }
    observed.changed();
  }

  function refresh(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  /** Loads it in a moment, and not too soon after the last time. */
  function plan(ms = 0) {
    if (watchers === 0 || !isSignedIn() || timer !== undefined) return;
    const waitMs = Math.max(ms, loadedAtMs + refreshMsMin - Date.now(), 0);
    timer = setTimeout(() => {
      timer = undefined;
      // What is being loaded may be older than what has happened.
      if (loading) plan(refreshMsMin);
      else void refresh();
    }, waitMs);
  }

  /** Moves a chat to the top with its newest message, before the server's list is there. */
  function touch(chatId: number, text: string, time: string) {
    const chat = chats?.find(({ id }) => id === chatId);
    if (!chats || !chat || (chat.last_message_time ?? "") > time) return;
    const newest = { ...chat, last_message: text, last_message_time: time };
    chats = [newest, ...chats.filter(({ id }) => id !== chatId)];
    observed.changed();
  }

  const outside: ChatList = {
    subscribe(listener) {
      watchers += 1;
      if (watchers === 1) plan();
      const end = observed.observable.subscribe(listener);
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        end();
        watchers -= 1;
        if (watchers > 0) return;
        clearTimeout(timer);
        timer = undefined;
      };
    },
    getSnapshot: observed.observable.getSnapshot,
    refresh,
  };

  return {
    outside,
    plan,
    hear(frame: ServerFrame) {
      if (frame.type === "chat_activity") {
        touch(frame.chat_id, frame.last_message, frame.last_message_time);
      }
      plan();
    },
    /** Something has happened in a room that is open. */
    news(chatId: number, message: Message | undefined) {
      if (message) touch(chatId, message.content, message.created_at);
      else plan();
    },
    clear() {
      turn += 1;
      clearTimeout(timer);
      timer = undefined;
      chats = undefined;
      problem = undefined;
      observed.changed();
    },
    end() {
      turn += 1;
      clearTimeout(timer);
      watchers = 0;
      observed.end();
    },
  };
}
