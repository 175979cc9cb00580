/** The key code that browsers report for a key that an input method has handled. */
const inputMethodKeyCode = 229;

/**
 * Whether an Enter belongs to an input method, as for Japanese or Chinese: it confirms what is being composed, and must
 * not send or submit anything. Safari dispatches this keydown after `compositionend`, where `isComposing` is false
 * already; only the key code tells it apart from an ordinary Enter.
 */
export function isEnterOfInputMethod(event: KeyboardEvent): boolean {
  return event.key === "Enter" && isOfInputMethod(event);
}

/** Whether an input method has handled a key, such as an arrow that chooses among its candidates. */
export function isOfInputMethod(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === inputMethodKeyCode;
}

/** A keydown handler for a field of a form: an Enter that confirms a composition does not submit the form. */
export function keepCompositionFromSubmitting(event: KeyboardEvent) {
  if (isEnterOfInputMethod(event)) event.preventDefault();
}
