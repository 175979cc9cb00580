import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "./icons.tsx";

/**
 * The dialog or popover that is open, if any, by its name. Give `key` and `close` to the component of this name. Each opening has
 * a key of its own: the browser fires `close` and `toggle` later than it closes a dialog or a popover, and one that was opened again
 * in between must not be closed by the event of the one before it.
 */
export function useDialog<Name extends string>() {
  const [opening, setOpening] = useState<{ name: Name; key: number }>();
  const openings = useRef(0);
  return {
    name: opening?.name,
    key: opening?.key,
    open(name: Name) {
      openings.current += 1;
      setOpening({ name, key: openings.current });
    },
    close() {
      setOpening((current) => (current?.key === opening?.key ? undefined : current));
    },
  };
}

/**
 * The browser's own modal dialog: it keeps the focus inside, ends with Escape, and gives the focus back. `children`
 * receives the function that closes it.
 */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: (close: () => void) => ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={onClose}>
      <header>
        <h2 id={titleId}>{title}</h2>
        <button type="button" class="quiet square" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {children(close)}
    </dialog>
  );
}
