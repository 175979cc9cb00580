import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { Icon, type IconName } from "./icons.tsx";

export interface MenuItem {
  label: string;
  onChoose: () => Promise<unknown>;
}

/** The index of the item that a key leads to; undefined for other keys. */
function indexAfter(key: string, index: number, count: number): number | undefined {
  switch (key) {
    case "ArrowDown":
      return (index + 1) % count;
    case "ArrowUp":
      return (index + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}

/** A button that opens a menu. The menu closes when a choice went through, and shows why it was refused otherwise. */
export function MenuButton({
  label,
  icon,
  items,
}: {
  label: string;
  icon: IconName;
  items: readonly MenuItem[];
}) {
  const [isOpen, setOpen] = useState(false);
  const action = useAction();
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const itemsOf = () => [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
  useLayoutEffect(() => {
    if (isOpen) itemsOf()[0]?.focus();
  }, [isOpen]);

  function close() {
    setOpen(false);
    button.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    const all = itemsOf();
    const focused = all.findIndex((item) => item === document.activeElement);
    const next = indexAfter(event.key, focused, all.length);
    if (next !== undefined) all[next]?.focus();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  }

  return (
    <div
      class="menu-place"
      onFocusOut={({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget)))
          setOpen(false);
      }}
    >
      <button
        ref={button}
        type="button"
        class="quiet square"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name={icon} />
      </button>
      {isOpen && (
        <div class="menu">
          <div id={id} ref={menu} role="menu" aria-label={label} onKeyDown={onKeyDown}>
            {items.map((item) => (
              <button
                key={item.label}
                type="button"
                class="quiet"
                role="menuitem"
                tabIndex={-1}
                onClick={async () => {
                  if (await action.run(item.onChoose)) close();
                }}
              >
                {item.label}
              </button>
            ))}
          </div>
          <Refusal of={action} />
        </div>
      )}
    </div>
  );
}
