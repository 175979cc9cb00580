import { useEffect, useRef, useState } from "preact/hooks";

/** The time in which a deletion can be undone. */
const undoMs = 5_000;

export interface Deletions {
  /** The ids of the messages that are about to be deleted. */
  readonly ids: ReadonlySet<number>;
  begin(messageId: number): void;
  undo(messageId: number): void;
}

/**
 * Deletions that can be undone. Each is sent after some seconds, and at once when the person leaves the room or the page.
 * @param send deletes a message on the server
 */
export function useDeletions(send: (messageId: number) => void): Deletions {
  const [ids, setIds] = useState<ReadonlySet<number>>(new Set());
  const timers = useRef(new Map<number, ReturnType<typeof setTimeout>>());

  function end(messageId: number) {
    clearTimeout(timers.current.get(messageId));
    timers.current.delete(messageId);
    setIds(new Set(timers.current.keys()));
  }

  function finish(messageId: number) {
    end(messageId);
    send(messageId);
  }

  useEffect(() => {
    const finishAll = () => [...timers.current.keys()].forEach(finish);
    addEventListener("pagehide", finishAll);
    return () => {
      removeEventListener("pagehide", finishAll);
      finishAll();
    };
  }, []);

  return {
    ids,
    begin(messageId) {
      end(messageId);
      const timer = setTimeout(() => finish(messageId), undoMs);
      timers.current.set(messageId, timer);
      setIds(new Set(timers.current.keys()));
    },
    undo: end,
  };
}
