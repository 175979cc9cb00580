// The answers that are running on this node: how many there may be, what each has shown so far, and their ends.
import type { Answers, Place, Reply, StopReason } from "../context.ts";
import { Problem } from "../wire/problems.ts";

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
}): Answers {
  const running = new Map<number, Reply>();
  let taken = 0;
  let closing = false;
  let allFree: PromiseWithResolvers<void> | undefined;

  function take(): Place {
    taken += 1;
    let isTaken = true;
    return {
      release() {
        if (!isTaken) return;
        isTaken = false;
        taken -= 1;
        if (taken === 0) allFree?.resolve();
      },
    };
  }

  function end(reply: Reply, reason: StopReason) {
    reply.stopReason ??= reason;
    reply.abort.abort();
  }

  return {
    inFlight: new Map(),
    summarising: new Set(),

    /**
     * @param needsModel false for what the server answers by itself: it is never too much
     * @throws Problem `bot_not_configured`, `quota_exceeded`, `unavailable` while the server goes down
     */
    reserve({ needsModel }: { needsModel: boolean }): Place {
      if (needsModel && !configured) {
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
      if (needsModel && answersMax > 0 && taken >= answersMax) {
        throw new Problem(
          "quota_exceeded",
          `The model is answering ${taken === 1 ? "a question" : `${taken} questions`} already. Ask again in a moment.`,
          { retryAfterSeconds: 5 },
        );
      }
      return take();
    },

    /** A place for an answer that goes on: it was admitted before, by a server that is gone. */
    resume: take,

    add(reply: Reply) {
      const before = running.get(reply.messageId);
      if (before) end(before, "abandoned");
      running.set(reply.messageId, reply);
      // Its question was being stored while the server began to go down.
      if (closing) end(reply, "handed_over");
    },

    remove(reply: Reply) {
      if (running.get(reply.messageId) === reply) running.delete(reply.messageId);
    },

    find(messageId: number): Reply | undefined {
      return running.get(messageId);
    },

    runIds(): number[] {
      return Array.from(running.values(), ({ run }) => run.id);
    },

    /** A chat's running answers whose first frame is among the room's numbers up to `position`, oldest first. */
    inChat(chatId: number, position: number): Reply[] {
      return [...running.values()]
        .filter((reply) => reply.chatId === chatId && reply.seq <= position)
        .sort((a, b) => a.seq - b.seq);
    },

    end,

    /** The log has the end of an answer. One that still runs here had been taken over: nothing of it is shown any more. */
    hasEnded(messageId: number) {
      const reply = running.get(messageId);
      if (reply && !reply.ending) end(reply, "abandoned");
    },

    /** The chat is gone, and its messages with it: nothing is left to bring to an end. */
    abandonChat(chatId: number) {
      for (const reply of running.values()) if (reply.chatId === chatId) end(reply, "abandoned");
    },

    /** Takes no more questions, and hands every running answer over as it is. Settles when all are stored. */
    async close() {
      closing = true;
      for (const reply of running.values()) end(reply, "handed_over");
      if (taken === 0) return;
      allFree ??= Promise.withResolvers();
      await allFree.promise;
    },
  };
}
