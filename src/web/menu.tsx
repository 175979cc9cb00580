import { useState } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { Popover, usePopoverButton } from "./popover.tsx";

export interface MenuItem {
  label: string;
  onChoose: () => Promise<unknown>;
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
  return (
    <>
      <button
        type="button"
        class="quiet square"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        {...usePopoverButton(isOpen, () => setOpen(true))}
      >
        <Icon name={icon} />
      </button>
      {isOpen && (
        <Popover
          role="menu"
          label={label}
          footer={<Refusal of={action} />}
          onClose={() => setOpen(false)}
        >
          {(close) =>
            items.map((item) => (
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
            ))
          }
        </Popover>
      )}
    </>
  );
}
