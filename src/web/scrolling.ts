import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { RoomSnapshot } from "../client/client.ts";

/** Within this many pixels of its end, the list follows what is added. */
const endReach = 80;
/** Older messages are loaded before the reader has come to the first. */
const olderReach = 600;
/** The part of the list above the line at which the reader begins. */
const startShare = 0.2;
export type Scrolling = ReturnType<typeof useScrolling>;

/**
 * Keeps the end in view while the reader is there, and what they read in its place when older messages come above it.
 */
export function useScrolling(snapshot: RoomSnapshot) {
  const list = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const atEnd = useRef(true);
  const isStarted = useRef(false);
  const before = useRef<{ first: number | undefined; height: number }>({
    first: undefined,
    height: 0,
  });
  const first = snapshot.messages[0]?.id;

  function toEnd() {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }

  /** Begins at the line above what is new, unless all of that is in view at the end. */
  function toStart(element: HTMLDivElement) {
    const line = element.querySelector("[data-start]");
    if (!line || isStarted.current) return;
    isStarted.current = true;
    const top = line.getBoundingClientRect().top - element.getBoundingClientRect().top;
    if (top >= 0) return;
    element.scrollTop += top - element.clientHeight * startShare;
    follow(element);
  }

  function follow({ scrollTop, scrollHeight, clientHeight }: HTMLDivElement) {
    atEnd.current = scrollHeight - scrollTop - clientHeight < endReach;
    setAtEnd(atEnd.current);
  }

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    if (atEnd.current) toEnd();
    else if (first !== before.current.first) {
      element.scrollTop += element.scrollHeight - before.current.height;
    }
    toStart(element);
    before.current = { first, height: element.scrollHeight };
  });
  // The keyboard of a phone or a longer draft takes room from the list, and the messages grow when formulas are drawn.
  useEffect(() => {
    if (!list.current) return undefined;
    const observer = new ResizeObserver(() => atEnd.current && toEnd());
    observer.observe(list.current);
    for (const content of list.current.querySelectorAll(":scope > ol")) observer.observe(content);
    return () => observer.disconnect();
  }, []);

  return {
    list,
    isAtEnd,
    /** Like `isAtEnd`, also before the change is rendered. */
    isEndInView: () => atEnd.current,
    goToEnd() {
      atEnd.current = true;
      setAtEnd(true);
      toEnd();
    },
    /** @returns whether the reader is near the beginning */
    scrolled(): boolean {
      const element = list.current;
      if (!element) return false;
      follow(element);
      return element.scrollTop < olderReach;
    },
  };
}
