import { Icon } from "./icons.tsx";

/** Shows the reason for which a change of a message was refused. The live region is always rendered. */
export function Notice({ text, onClose }: { text: string | undefined; onClose: () => void }) {
  return (
    <div class="notice">
      <p class="refusal" role="alert">
        {text}
      </p>
      {text !== undefined && (
        <button
          type="button"
          class="quiet square"
          aria-label="Dismiss"
          title="Dismiss"
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
