import { useEffect, useRef, useState } from "preact/hooks";
import { usePageParts } from "./page-parts.ts";

/** The time in which a deletion can be undone. */
const undoMs = 5_000;

export interface Deletions {
  /** The ids of the messages that are about to be deleted. */
  readonly ids: ReadonlySet<number>;
  begin(messageId: number): void;
  undo(messageId: number): void;
}

/**
 * Deletions that can be undone. Each is sent after some seconds, and at once when the person leaves the room or the page, or
 * signs out.
 * @param send deletes a message on the server after those before it, and again until it is done or refused
 * @param sendLast deletes a message on the server by a single request, which the page does not outlive
 */
export function useDeletions(
  send: (messageId: number) => Promise<unknown>,
  sendLast: (messageId: number) => void,
): Deletions {
  const { unfinished } = usePageParts();
  const [ids, setIds] = useState<ReadonlySet<number>>(new Set());
  const timers = useRef(new Map<number, ReturnType<typeof setTimeout>>());

  function end(messageId: number) {
    clearTimeout(timers.current.get(messageId));
    timers.current.delete(messageId);
    setIds(new Set(timers.current.keys()));
  }

  function finish<T>(messageId: number, by: (messageId: number) => T): T {
    end(messageId);
    return by(messageId);
  }

  useEffect(() => {
    const finishAll = <T>(by: (messageId: number) => T): T[] =>
      [...timers.current.keys()].map((messageId) => finish(messageId, by));
    const leave = () => void finishAll(sendLast);
    addEventListener("pagehide", leave);
    const takeBack = unfinished.add(() => Promise.all(finishAll(send)));
    return () => {
      takeBack();
      removeEventListener("pagehide", leave);
      finishAll(send);
    };
  }, []);

  return {
    ids,
    begin(messageId) {
      end(messageId);
      const timer = setTimeout(() => finish(messageId, send), undoMs);
      timers.current.set(messageId, timer);
      setIds(new Set(timers.current.keys()));
    },
    undo: end,
  };
}
