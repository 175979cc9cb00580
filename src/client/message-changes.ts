import type { Message } from "../wire/messages.ts";
import type { Api } from "./api.ts";
import type { PauseMs } from "./close-plans.ts";
import { signedOut } from "./http.ts";
import { isTransient, refusalOf } from "./outbox-item.ts";
import { asProblemError, type ProblemError } from "./problem-error.ts";
import { withReaction } from "./reactions.ts";
import type { RoomLog } from "./room-log.ts";
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
  readonly apply: (message: Message) => Message;
}

/** Sends a change. @returns what the server has stored of the message */
type Send = () => Promise<Partial<Message> & Pick<Message, "updated_seq">>;

const now = () => new Date().toISOString();
const revise = (revised: Partial<Message>) => (message: Message) => ({ ...message, ...revised });

/**
 * Edits, deletions and reactions that the server has not confirmed. The room shows them at once, and no longer if the server
 * refuses them. Each is sent after the one before it, and again until it is confirmed or refused: all of them may be repeated.
 */
export class MessageChanges {
  readonly #options: MessageChangesOptions;
  #changes: readonly Change[] = [];
  #last = Promise.resolve();
  #endPause = () => {};

  constructor(options: MessageChangesOptions) {
    this.#options = options;
  }

  /** Messages as they will be once the server has confirmed all changes. */
  shown(messages: readonly Message[]): readonly Message[] {
    return this.#changes.reduce(
      (shown, { messageId, apply }) =>
        shown.map((message) => (message.id === messageId ? apply(message) : message)),
      messages,
    );
  }

  readonly edit = (messageId: number, content: string): Promise<ChangeResult> => {
    const { api, chatId } = this.#options;
    const apply = revise({ content, edited_at: now() });
    return this.#make(messageId, apply, () => api.editMessage(chatId, messageId, content));
  };

  readonly delete = (messageId: number): Promise<ChangeResult> => {
    const { api, chatId } = this.#options;
    const apply = revise({ content: "", deleted_at: now() });
    return this.#make(messageId, apply, () => api.deleteMessage(chatId, messageId));
  };

  /** @param on false takes the reaction back */
  readonly react = (messageId: number, emoji: string, on = true): Promise<ChangeResult> => {
    const { api, chatId, ownId } = this.#options;
    const reaction = { emoji, user_id: ownId() ?? 0, on };
    const apply = (message: Message) => withReaction(message, reaction);
    return this.#make(messageId, apply, () => api.react(chatId, messageId, emoji, on));
  };

  /** Tries again at once: the server can be reached again. */
  wake(): void {
    this.#endPause();
  }

  async #make(messageId: number, apply: Change["apply"], send: Send): Promise<ChangeResult> {
    const problem = refusalOf("", this.#changes.length);
    if (problem) return { ok: false, problem };
    const change = { messageId, apply };
    this.#set([...this.#changes, change]);
    const result = this.#last.then(() => this.#send(messageId, send));
    this.#last = result.then(() => this.#set(this.#changes.filter((other) => other !== change)));
    await this.#last;
    return result;
  }

  #set(changes: readonly Change[]) {
    this.#changes = changes;
    this.#options.onChange();
  }

  async #send(messageId: number, send: Send): Promise<ChangeResult> {
    const { log, timing, pauseMs, ownId } = this.#options;
    const userId = ownId();
    const giveUpAtMs = Date.now() + timing.giveUpMs;
    for (let tries = 0; ; tries += 1) {
      try {
        const stored = await send();
        // The room may have shown a later state already. Reactions alone tell of no earlier edit, whose frame may still be on its way:
        // it must not look late.
        log.change(messageId, (held) =>
          stored.updated_seq < held.updated_seq
            ? held
            : { ...held, ...stored, updated_seq: (stored.id ? stored : held).updated_seq },
        );
        return { ok: true };
      } catch (error) {
        const problem = asProblemError(error);
        if (!isTransient(problem) || Date.now() > giveUpAtMs) return { ok: false, problem };
        const { retryAfterSeconds = 0 } = problem;
        await new Promise<void>((resolve) => {
          this.#endPause = resolve;
          setTimeout(resolve, Math.max(pauseMs(tries), retryAfterSeconds * 1_000));
        });
      }
      // Another person's session must not send it.
      if (ownId() !== userId) return { ok: false, problem: signedOut() };
    }
  }
}
