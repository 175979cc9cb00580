import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";
import type { RoomSnapshot } from "../client/client.ts";

/** Within this many pixels of its end, the list follows what is added. */
const endReach = 80;
/** More messages are loaded before the reader has come to the first or the last one. */
const moreReach = 600;
/** The part of the list above the line at which the reader begins. */
const startShare = 0.2;
export type Scrolling = ReturnType<typeof useScrolling>;

function rowOf(list: HTMLElement | null, messageId: number) {
  return list?.querySelector<HTMLElement>(`[data-message="${messageId}"]`);
}

/** Scrolls to a message, marks it for a moment, and gives it the focus. */
function showFound(row: HTMLElement) {
  row.scrollIntoView({ block: "center" });
  row.focus({ preventScroll: true });
  row.classList.add("found");
  row.addEventListener("animationend", () => row.classList.remove("found"), { once: true });
}

/**
 * Calls `onResize` when the keyboard of a phone or a longer draft takes room from the list, and when messages grow, as with formulas
 * that are drawn.
 */
function useResized(list: RefObject<HTMLDivElement | null>, onResize: () => void) {
  useEffect(() => {
    if (!list.current) return undefined;
    const observer = new ResizeObserver(onResize);
    observer.observe(list.current);
    for (const content of list.current.querySelectorAll(":scope > ol")) observer.observe(content);
    return () => observer.disconnect();
  }, []);
}

/**
 * Keeps the end in view while the reader is there, and what they read in its place when older messages come above it.
 * @param isCut the end of the list is not that of the chat, or the reader is led elsewhere
 */
export function useScrolling(snapshot: RoomSnapshot, isCut: boolean) {
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
    atEnd.current = !isCut && scrollHeight - scrollTop - clientHeight < endReach;
    setAtEnd(atEnd.current);
  }

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    if (isCut) atEnd.current = false;
    if (atEnd.current) toEnd();
    else if (first !== before.current.first) {
      element.scrollTop += element.scrollHeight - before.current.height;
    }
    toStart(element);
    before.current = { first, height: element.scrollHeight };
  });
  useResized(list, () => atEnd.current && toEnd());

  return {
    list,
    isAtEnd,
    /** Whether the end is in view. Unlike `isAtEnd`, it is known before the change is rendered. */
    isEndInView: () => atEnd.current,
    goToEnd() {
      atEnd.current = true;
      setAtEnd(true);
      toEnd();
    },
    /** Scrolls to a message, marks it for a moment, and gives it the focus. */
    goTo(messageId: number) {
      // A message that was loaded just now is rendered with the next frame at the latest.
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          const row = rowOf(list.current, messageId);
          if (!row) return;
          atEnd.current = false;
          showFound(row);
        }),
      );
    },
    focus(messageId: number) {
      rowOf(list.current, messageId)?.focus({ preventScroll: true });
    },
    /** @returns whether the reader is near the beginning and near the end */
    scrolled() {
      const element = list.current;
      if (!element) return { isNearStart: false, isNearEnd: false };
      follow(element);
      const { scrollTop, scrollHeight, clientHeight } = element;
      return {
        isNearStart: scrollTop < moreReach,
        isNearEnd: scrollHeight - scrollTop - clientHeight < moreReach,
      };
    },
  };
}
