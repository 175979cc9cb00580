import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { keepCompositionFromSubmitting } from "./input-method.ts";

type InputAttributes = JSX.IntrinsicElements["input"];

/** A one-line text field of a form, with its label and an optional hint. */
export function Field({
  label,
  hint,
  ...input
}: InputAttributes & { label: string; hint?: string | undefined }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        dir="auto"
        aria-describedby={hint ? `${id}-hint` : undefined}
        onKeyDown={keepCompositionFromSubmitting}
        {...input}
      />
      {hint && (
        <small id={`${id}-hint`} class="muted">
          {hint}
        </small>
      )}
    </div>
  );
}
