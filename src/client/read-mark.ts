import type { Api } from "./api.ts";
import { asProblemError } from "./problem-error.ts";

const triesMax = 5;

/** How far we have read. One request at a time, the newest wins; a failed one is tried again, a few times. */
export function createReadMark({
  chatId,
  api,
  pauseMs,
  onMarked,
}: {
  chatId: number;
  api: Pick<Api, "markRead">;
  pauseMs: (tries: number) => number;
  onMarked: () => void;
}) {
  let wanted = 0;
  let marked = 0;
  let isAsking = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function push(tries = 0): Promise<void> {
    if (isAsking || wanted <= marked) return;
    isAsking = true;
    try {
      const { last_read_seq } = await api.markRead(chatId, wanted);
      marked = Math.max(marked, wanted, last_read_seq);
      onMarked();
    } catch (error) {
      const { status } = asProblemError(error);
      const isTransient = status === 0 || status === 429 || status >= 500;
      // Else the next call has another chance.
      if (!isTransient || tries >= triesMax) wanted = marked;
      else timer = setTimeout(() => void push(tries + 1), pauseMs(tries));
      return;
    } finally {
      isAsking = false;
    }
    await push();
  }

  return {
    reach(seq: number) {
      if (seq <= wanted) return;
      wanted = seq;
      clearTimeout(timer);
      void push();
    },
    close: () => clearTimeout(timer),
  };
}
