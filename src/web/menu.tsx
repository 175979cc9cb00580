import { Refusal, useAction } from "./acting.tsx";
import { useDialog } from "./dialog.tsx";
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
  const menu = useDialog<"menu">();
  const isOpen = menu.name !== undefined;
  const action = useAction();
  return (
    <>
      <button
        type="button"
        class="quiet square"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        {...usePopoverButton(isOpen, () => menu.open("menu"))}
      >
        <Icon name={icon} />
      </button>
      {isOpen && (
        <Popover
          key={menu.key}
          role="menu"
          label={label}
          footer={<Refusal of={action} />}
          onClose={menu.close}
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
