import { useState } from "preact/hooks";

/** For what can't be taken back: the first press asks, the second does it. */
export function ConfirmedButton({
  label,
  about = "",
  disabled,
  onConfirm,
}: {
  label: string;
  /** To whom it happens, for those who don't see what it stands beside. */
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
