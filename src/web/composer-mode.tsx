import type { Message } from "../wire/messages.ts";
import type { Composing } from "./composing.ts";
import { Icon } from "./icons.tsx";
import { Quoted } from "./reply-quote.tsx";

/** Above the field: that a message is edited or replied to, with a button that cancels it. */
export function ComposerMode({
  composing,
  messages,
  onCancel,
}: {
  composing: Composing;
  messages: readonly Message[];
  onCancel: () => void;
}) {
  const { editing, replyTo } = composing;
  const isActive = editing !== undefined || replyTo !== undefined;
  return (
    <div class="mode" hidden={!isActive}>
      <p role="status">
        {editing && "Editing your message"}
        {replyTo !== undefined && (
          <>
            Reply to <Quoted message={messages.find(({ id }) => id === replyTo)} />
          </>
        )}
      </p>
      {isActive && (
        <button
          type="button"
          class="quiet square"
          aria-label={editing ? "Cancel the edit" : "Cancel the reply"}
          title="Cancel"
          onClick={onCancel}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
