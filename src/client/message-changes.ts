import type { Message } from "../wire/messages.ts";
import type { Api } from "./api.ts";
import type { PauseMs } from "./close-plans.ts";
import { signedOut } from "./http.ts";
import { isTransient, pendingMax } from "./outbox-item.ts";
import { asProblemError, ProblemError } from "./problem-error.ts";
import { withReaction } from "./reactions.ts";
import type { RoomLog } from "./room-log.ts";
import { Timer } from "./timer.ts";
import type { Timing } from "./timing.ts";

export type ChangeResult =
  { readonly ok: true } | { readonly ok: false; readonly problem: ProblemError };

export interface MessageChangesOptions {
  chatId: number;
  api: Pick<Api, "editMessage" | "deleteMessage" | "react">;
  log: RoomLog;
  timing: Pick<Timing, "giveUpMs">;
  pauseMs: PauseMs;
  ownId: () => number | undefined;
  onChange: () => void;
}

interface Change {
  readonly messageId: number;
  apply(message: Message): Message;
}

/**
 * Edits, deletions and reactions that the server has not confirmed. The room shows them at once, and no longer if the server
 * refuses them. Each is sent after the one before it, and again until it is confirmed or refused: all of them may be repeated.
 */
export class MessageChanges {
  readonly #options: MessageChangesOptions;
  #changes: readonly Change[] = [];
  #last = Promise.resolve();
  readonly #timer = new Timer();
  #endPause = () => {};

  constructor(options: MessageChangesOptions) {
    this.#options = options;
  }

  /** Messages as they will be once the server has confirmed all changes. */
  shown(messages: readonly Message[]): readonly Message[] {
    if (this.#changes.length === 0) return messages;
    return messages.map((message) =>
      this.#changes
        .filter(({ messageId }) => messageId === message.id)
        .reduce((changed, change) => change.apply(changed), message),
    );
  }

  edit(messageId: number, content: string): Promise<ChangeResult> {
    const { api, chatId, log } = this.#options;
    const edited_at = new Date().toISOString();
    return this.#make(
      { messageId, apply: (message) => ({ ...message, content, edited_at }) },
      async () => void log.put(await api.editMessage(chatId, messageId, content)),
    );
  }

  delete(messageId: number): Promise<ChangeResult> {
    const { api, chatId, log } = this.#options;
    const rest = { content: "", deleted_at: new Date().toISOString(), mentions: [], reactions: [] };
    return this.#make(
      { messageId, apply: (message) => ({ ...message, ...rest }) },
      async () => void log.put(await api.deleteMessage(chatId, messageId)),
    );
  }

  /** @param on false takes the reaction back */
  react(messageId: number, emoji: string, on: boolean): Promise<ChangeResult> {
    const { api, chatId, log, ownId } = this.#options;
    const userId = ownId() ?? 0;
    return this.#make(
      { messageId, apply: (message) => withReaction(message, { emoji, user_id: userId, on }) },
      async () => {
        const { reactions } = await api.react(chatId, messageId, emoji, on);
        log.change(messageId, (message) => ({ ...message, reactions }));
      },
    );
  }

  /** Tries again at once: the server can be reached again. */
  wake(): void {
    this.#endPause();
  }

  #make(change: Change, send: () => Promise<void>): Promise<ChangeResult> {
    if (this.#changes.length >= pendingMax) {
      const problem = new ProblemError("queue_full", "Too many changes wait.");
      return Promise.resolve({ ok: false, problem });
    }
    this.#changes = [...this.#changes, change];
    this.#options.onChange();
    const result = this.#last.then(() => this.#send(send));
    this.#last = result.then(() => {
      this.#changes = this.#changes.filter((other) => other !== change);
      this.#options.onChange();
    });
    return this.#last.then(() => result);
  }

  async #send(send: () => Promise<void>): Promise<ChangeResult> {
    const { timing, pauseMs, ownId } = this.#options;
    const userId = ownId();
    const giveUpAtMs = Date.now() + timing.giveUpMs;
    for (let tries = 0; ; tries += 1) {
      try {
        await send();
        return { ok: true };
      } catch (error) {
        const problem = asProblemError(error);
        const { code, retryAfterSeconds = 0 } = problem;
        const mayRetry = code === "network" || isTransient(problem);
        if (!mayRetry || Date.now() > giveUpAtMs) return { ok: false, problem };
        await this.#pause(Math.max(pauseMs(tries), retryAfterSeconds * 1_000));
      }
      // Another person's session must not send it.
      if (ownId() !== userId) return { ok: false, problem: signedOut() };
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#endPause = () => {
        this.#timer.clear();
        resolve();
      };
      this.#timer.set(ms, resolve);
    });
  }
}
