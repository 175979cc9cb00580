import type { JSX } from "preact";
import { useId } from "preact/hooks";

type InputAttributes = JSX.IntrinsicElements["input"];

/** A line to fill in, with its label and perhaps a hint. */
export function Field({
  label,
  hint,
  ...input
}: InputAttributes & { label: string; hint?: string | undefined }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} dir="auto" aria-describedby={hint ? `${id}-hint` : undefined} {...input} />
      {hint && (
        <small id={`${id}-hint`} class="muted">
          {hint}
        </small>
      )}
    </div>
  );
}
