import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Distances in pixels, to the button and to the edges of the window. */
const gap = 4;
const margin = 8;

/** Puts an element below its button, or above it where there is no space below, and inside of the window. */
function place(element: HTMLElement, button: Element) {
  const at = button.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const below = at.bottom + gap;
  const top = below + height + margin <= innerHeight ? below : at.top - gap - height;
  const left = Math.min(at.right - width, innerWidth - width - margin);
  element.style.top = `${Math.max(margin, top)}px`;
  element.style.left = `${Math.max(margin, left)}px`;
}

const stepsOf: Record<string, (columns: number) => number> = {
  ArrowDown: (columns) => columns,
  ArrowUp: (columns) => -columns,
  ArrowRight: (columns) => (columns > 1 ? 1 : 0),
  ArrowLeft: (columns) => (columns > 1 ? -1 : 0),
  Home: () => -Infinity,
  End: () => Infinity,
};

function moveFocus(event: KeyboardEvent, element: HTMLElement, columns: number) {
  const step = stepsOf[event.key]?.(columns) ?? 0;
  if (step === 0) return;
  event.preventDefault();
  const buttons = [...element.querySelectorAll("button")];
  const index = buttons.findIndex((button) => button === document.activeElement);
  const last = buttons.length - 1;
  const isEdge = !Number.isFinite(step);
  const next = isEdge ? Math.min(Math.max(step, 0), last) : index + step;
  buttons[next]?.focus();
}

/**
 * The handlers of a button that opens a popover. Pressing it while that is open has closed the popover before the click, which
 * must not open it again.
 */
export function usePopoverButton(isOpen: boolean, open: () => void) {
  const wasOpen = useRef(false);
  return {
    onPointerDown() {
      wasOpen.current = isOpen;
    },
    onClick({ currentTarget, detail }: { currentTarget: HTMLElement; detail: number }) {
      // Safari does not focus a button that is clicked.
      currentTarget.focus();
      // The detail is 0 for a click by the keyboard, which no pointer has preceded.
      if (detail === 0 || !wasOpen.current) open();
    },
  };
}

/**
 * A menu or a grid of buttons beside the button that had the focus. Arrow keys move the focus between its buttons, which
 * have `tabIndex={-1}`. It closes with Escape and when the focus leaves it, and then the focus returns. `children` receives
 * the function that closes it; `footer` stands below them.
 */
export function Popover({
  role,
  label,
  columns = 1,
  onClose,
  footer,
  children,
}: {
  role: "menu" | "grid";
  label: string;
  columns?: number;
  onClose: () => void;
  footer?: ComponentChildren;
  children: (close: () => void) => ComponentChildren;
}) {
  const element = useRef<HTMLDivElement>(null);
  const opener = useRef<Element>(null);
  useLayoutEffect(() => {
    const { current } = element;
    const button = document.activeElement;
    if (!current || !button) return undefined;
    opener.current = button;
    const follow = () => place(current, button);
    current.showPopover();
    follow();
    current.querySelector("button")?.focus({ preventScroll: true });
    addEventListener("scroll", follow, true);
    addEventListener("resize", follow);
    return () => {
      removeEventListener("scroll", follow, true);
      removeEventListener("resize", follow);
    };
  }, []);
  const hide = () => element.current?.hidePopover();
  // The browser returns the focus only if the button that had it still exists.
  const close = () => {
    hide();
    if (opener.current instanceof HTMLElement) opener.current.focus();
  };
  return (
    <div
      ref={element}
      class="popover"
      popover="auto"
      onToggle={({ newState }) => newState === "closed" && onClose()}
      onKeyDown={(event) => moveFocus(event, event.currentTarget, columns)}
      onFocusOut={({ relatedTarget, currentTarget }) => {
        if (relatedTarget instanceof Node && !currentTarget.contains(relatedTarget)) hide();
      }}
    >
      <div role={role} aria-label={label}>
        {children(close)}
      </div>
      {footer}
    </div>
  );
}
