// The answers that are running on this node: how many there may be, what each has shown so far, and their ends.
import { Problem } from "../wire/problems.ts";

/** Why an answer was ended from outside. */
export type StopReason = "stopped" | "interrupted" | "abandoned";

/** One running answer. `text` is what the room has been shown. */
export interface Reply {
  readonly chatId: number;
  readonly messageId: number;
  /** The number of its message. */
  readonly seq: number;
  readonly abort: AbortController;
  text: string;
  /** Its text is whole. Its end may have been stored, and even shown, before the server is told so. */
  ending: boolean;
  stopReason: StopReason | undefined;
  /** Settles when it has ended. */
  done: Promise<void>;
}

/** The right to run one answer. Given back once, by whoever holds it last. */
export interface Place {
  /** Passes the place on: the first holder's `release` does nothing any more. */
  keep(): Place;
  release(): void;
}

export type Replies = ReturnType<typeof createReplies>;

/**
 * @param answersMax running at once; 0 for no limit
 * @param configured whether there is a model to ask
 */
export function createReplies({
  answersMax,
  configured,
}: {
  answersMax: number;
  configured: boolean;
}) {
  const running = new Map<number, Reply>();
  let taken = 0;
  let closing = false;
  let allFree: PromiseWithResolvers<void> | undefined;

  function placeOf(release: () => void): Place {
    let current: (() => void) | undefined = release;
    const pass = () => {
      const held = current;
      current = undefined;
      return held;
    };
    return {
      keep: () => placeOf(pass() ?? (() => undefined)),
      release: () => pass()?.(),
    };
  }

  function end(reply: Reply, reason: StopReason) {
    reply.stopReason ??= reason;
    reply.abort.abort();
  }

  return {
    /** @throws Problem `bot_not_configured`, `too_many_answers`, `unavailable` while the server goes down */
    reserve(): Place {
      if (!configured) {
        throw new Problem(
          "bot_not_configured",
          "This server has no Gemini API key, so /bot cannot answer. Ask its operator to set GEMINI_API_KEY.",
        );
      }
      if (closing) {
        throw new Problem("unavailable", "The server is restarting. Ask again in a moment.", {
          retryAfterSeconds: 5,
        });
      }
      if (answersMax > 0 && taken >= answersMax) {
        throw new Problem(
          "too_many_answers",
          `The model is answering ${taken === 1 ? "a question" : `${taken} questions`} already. Ask again in a moment.`,
          { retryAfterSeconds: 5 },
        );
      }
      taken += 1;
      return placeOf(() => {
        taken -= 1;
        if (taken === 0) allFree?.resolve();
      });
    },

    add(reply: Reply) {
      running.set(reply.messageId, reply);
      // Its question was being stored while the server began to go down.
      if (closing) end(reply, "interrupted");
    },

    remove(reply: Reply) {
      running.delete(reply.messageId);
    },

    find(messageId: number): Reply | undefined {
      return running.get(messageId);
    },

    /** A chat's running answers whose first frame is among the room's numbers up to `position`, oldest first. */
    inChat(chatId: number, position: number): Reply[] {
      return [...running.values()]
        .filter((reply) => reply.chatId === chatId && reply.seq <= position)
        .sort((a, b) => a.seq - b.seq);
    },

    stop(reply: Reply) {
      end(reply, "stopped");
    },

    /** The chat is gone, and its messages with it: nothing is left to bring to an end. */
    abandonChat(chatId: number) {
      for (const reply of running.values()) if (reply.chatId === chatId) end(reply, "abandoned");
    },

    abandon(reply: Reply) {
      end(reply, "abandoned");
    },

    /** Takes no more questions, and ends every running answer with what it has. Settles when all are stored. */
    async close() {
      closing = true;
      for (const reply of running.values()) end(reply, "interrupted");
      if (taken === 0) return;
      allFree ??= Promise.withResolvers();
      await allFree.promise;
    },
  };
}
