// Offers names while a mention is written. The field keeps the focus; `aria-activedescendant` names the option that Enter takes.
import type { RefObject } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { matching, mentionAt, type Mentionable } from "./mention-at.ts";
import { isOfInputMethod } from "./input-method.ts";
import { Avatar } from "./people-shown.tsx";

export type MentionCompletion = ReturnType<typeof useMentionCompletion>;

export function useMentionCompletion({
  box,
  text,
  people,
  onWrite,
}: {
  box: RefObject<HTMLTextAreaElement | null>;
  text: string;
  people: readonly Mentionable[];
  onWrite: (text: string) => void;
}) {
  const listId = useId();
  /** The caret after the last input; undefined when it was moved otherwise. */
  const [caret, setCaret] = useState<number>();
  const [chosen, setChosen] = useState(0);
  /** The beginning of the mention for which the list was closed. */
  const [closedAt, setClosedAt] = useState<number>();
  const place = caret === undefined ? undefined : mentionAt(text, caret);
  const options = place && place.start !== closedAt ? matching(people, place.query) : [];
  const active = Math.min(chosen, options.length - 1);
  const isOpen = options.length > 0;

  function take(option: Mentionable | undefined) {
    const field = box.current;
    if (!field || !place || !option) return;
    const isSpaced = /^\s/.test(text.slice(place.end));
    field.setRangeText(`@${option.name}${isSpaced ? "" : " "}`, place.start, place.end, "end");
    if (isSpaced) field.setSelectionRange(field.selectionEnd + 1, field.selectionEnd + 1);
    setCaret(undefined);
    onWrite(field.value);
    field.focus();
  }

  return {
    listId,
    options,
    active,
    take,
    attributes: {
      "aria-autocomplete": "list" as const,
      "aria-haspopup": "listbox" as const,
      "aria-controls": isOpen ? listId : undefined,
      "aria-activedescendant": isOpen ? `${listId}-${active}` : undefined,
    },
    /** The person has written. */
    follow(field: HTMLTextAreaElement) {
      setCaret(field.selectionStart);
      setChosen(0);
      if (!mentionAt(field.value, field.selectionStart)) setClosedAt(undefined);
    },
    /** The caret was moved, or the field has lost the focus. */
    leave(field?: HTMLTextAreaElement) {
      if (field?.selectionStart !== caret || field?.selectionEnd !== caret) setCaret(undefined);
    },
    /** @returns whether the key was meant for the list */
    onKeyDown(event: KeyboardEvent): boolean {
      const hasModifier = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
      if (!isOpen || !place || hasModifier || isOfInputMethod(event)) return false;
      const count = options.length;
      if (event.key === "ArrowDown") setChosen((active + 1) % count);
      else if (event.key === "ArrowUp") setChosen((active + count - 1) % count);
      else if (event.key === "Enter" || event.key === "Tab") take(options[active]);
      else if (event.key === "Escape") setClosedAt(place.start);
      else return false;
      event.preventDefault();
      return true;
    },
  };
}

export function MentionList({ of }: { of: MentionCompletion }) {
  const { listId, options, active, take } = of;
  const activeOption = useRef<HTMLLIElement>(null);
  useEffect(() => activeOption.current?.scrollIntoView({ block: "nearest" }), [active]);
  const words = options.length === 1 ? "1 name" : `${options.length} names`;
  return (
    <>
      <span class="visually-hidden" role="status">
        {options.length > 0 && `${words} to mention: choose with the arrow keys, take with Enter.`}
      </span>
      {options.length > 0 && (
        <ul id={listId} class="mention-list" role="listbox" aria-label="Names to mention">
          {options.map((option, index) => (
            <li
              key={option.name}
              id={`${listId}-${index}`}
              ref={index === active ? activeOption : undefined}
              role="option"
              aria-selected={index === active}
              // The field keeps the focus, and a phone its keyboard.
              onPointerDown={(event) => event.preventDefault()}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(option)}
            >
              <Avatar
                userId={option.userId === undefined ? 0 : option.userId}
                name={option.userId === undefined ? "@" : (option.shownName ?? option.name)}
              />
              <bdi class="name">{option.shownName ?? option.name}</bdi>
              {option.hint && (
                <small class="muted">
                  <bdi>{option.hint}</bdi>
                </small>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
