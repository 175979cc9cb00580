import type { Message } from "../wire/messages.ts";
import { useDialog } from "./dialog.tsx";
import { EmojiPicker } from "./dialogs.tsx";
import { Icon } from "./icons.tsx";
import type { MessageCommands } from "./message-commands.ts";
import { Popover, usePopoverButton } from "./popover.tsx";
import { useRoomPeople } from "./room-people.ts";

const actionsSelector = "button.message-actions";

/** Arrow keys move the focus from the actions of one message to those of its neighbours: a list is one stop of Tab. */
export function moveBetweenActions(event: KeyboardEvent, list: HTMLElement) {
  const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
  const buttons = [...list.querySelectorAll<HTMLElement>(actionsSelector)];
  const index = buttons.findIndex((button) => button === event.target);
  if (step === 0 || index < 0) return;
  event.preventDefault();
  buttons[index + step]?.focus();
}

/** The button of a message that opens the menu of what can be done with it. */
export function MessageActions({
  message,
  isOwn,
  canEdit,
  canReport,
  canDelete,
  isTabStop,
  commands,
}: {
  message: Message;
  isOwn: boolean;
  canEdit: boolean;
  canReport: boolean;
  canDelete: boolean;
  isTabStop: boolean;
  commands: MessageCommands;
}) {
  const popover = useDialog<"menu" | "emoji">();
  const isOpen = popover.name !== undefined;
  const { nameOf, onPerson } = useRoomPeople();
  const { user_id: userId } = message;
  const items = [
    { label: "Reply", act: () => commands.reply(message) },
    { label: "React", act: () => popover.open("emoji") },
    { label: "Ask Gemini", act: () => commands.ask(message) },
    ...(canEdit ? [{ label: "Edit", act: () => commands.edit(message) }] : []),
    ...(canReport ? [{ label: "Report", act: () => commands.report(message) }] : []),
    ...(canDelete ? [{ label: "Delete", act: () => commands.delete(message) }] : []),
    ...(userId !== null && !isOwn ? [{ label: "Profile", act: () => onPerson(userId) }] : []),
  ];
  return (
    <div class={isOpen ? "tools opened" : "tools"}>
      <button
        type="button"
        class="quiet square message-actions"
        aria-label={`Actions for the message of ${nameOf(message)}`}
        title="Actions"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        tabIndex={isTabStop ? 0 : -1}
        {...usePopoverButton(isOpen, () => popover.open("menu"))}
      >
        <Icon name="more" />
      </button>
      {popover.name === "menu" && (
        <Popover key={popover.key} role="menu" label="Actions" onClose={popover.close}>
          {(close) =>
            items.map(({ label, act }) => (
              <button
                key={label}
                type="button"
                class={label === "Delete" ? "quiet danger" : "quiet"}
                role="menuitem"
                tabIndex={-1}
                onClick={() => {
                  close();
                  act();
                }}
              >
                {label}
              </button>
            ))
          }
        </Popover>
      )}
      {popover.name === "emoji" && (
        <EmojiPicker
          key={popover.key}
          onPick={(emoji) => commands.react(message, emoji, true)}
          onClose={popover.close}
        />
      )}
    </div>
  );
}
