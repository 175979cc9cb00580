import { useState } from "preact/hooks";

/** A button for an action that can't be undone: the first press asks, the second does it. */
export function ConfirmedButton({
  label,
  about = "",
  disabled,
  onConfirm,
}: {
  label: string;
  /** The person or thing that the action affects, for the accessible name. */
  about?: string;
  disabled: boolean;
  onConfirm: () => unknown;
}) {
  const [isAsked, setAsked] = useState(false);
  return (
    <button
      type="button"
      class={isAsked ? "danger" : "quiet danger"}
      disabled={disabled}
      onClick={() => {
        setAsked(!isAsked);
        if (isAsked) onConfirm();
      }}
      onBlur={() => setAsked(false)}
    >
      {isAsked ? `${label}: really?` : label}
      {about && <span class="visually-hidden"> {about}</span>}
    </button>
  );
}
