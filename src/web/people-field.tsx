// A field for usernames that offers the people whom the server finds. The field keeps the focus; `aria-activedescendant` names the
// option that Enter takes.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Profile } from "../client/people.ts";
import { isOfInputMethod } from "./input-method.ts";
import { usePageParts } from "./page-parts.ts";
import { Avatar, PersonName } from "./people-shown.tsx";

/** A search waits for so long after the last key. */
const pauseMs = 200;
const queryCharactersMin = 2;

/** The text behind the last separator. A display name may have spaces, so that only commas separate. */
function partIn(text: string, isList: boolean): string {
  return (isList ? (text.split(/[,;]/).at(-1) ?? "") : text).trim();
}

/** The text with a username instead of its last part. */
function completed(text: string, username: string, isList: boolean): string {
  if (!isList) return username;
  const before = text.slice(0, Math.max(text.lastIndexOf(","), text.lastIndexOf(";")) + 1);
  return `${before}${before === "" ? "" : " "}${username}, `;
}

/** The people whom a text finds; nobody while it is too short or is being looked for. */
function useFound(query: string): { found: readonly Profile[]; isDone: boolean } {
  const { people } = usePageParts();
  const [result, setResult] = useState<{ query: string; found: readonly Profile[] }>();
  useEffect(() => {
    if ([...query].length < queryCharactersMin) return undefined;
    const timer = setTimeout(() => {
      // A search that is refused offers nobody; the name can still be written.
      people.search(query).then(
        (found) => setResult({ query, found }),
        () => setResult({ query, found: [] }),
      );
    }, pauseMs);
    return () => clearTimeout(timer);
  }, [query]);
  const isDone = result?.query === query;
  return { found: isDone ? result.found : [], isDone };
}

/** The list of a combobox. @param id that of the field, from which the ids of the list and its options are made */
function FoundPeople({
  id,
  found,
  active,
  onTake,
}: {
  id: string;
  found: readonly Profile[];
  /** The index of the option that Enter takes. */
  active: number;
  onTake: (person: Profile) => void;
}) {
  return (
    <ul id={`${id}-list`} class="mention-list" role="listbox" aria-label="People who were found">
      {found.map((person, index) => (
        <li
          key={person.id}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === active}
          // The field keeps the focus, and a phone its keyboard.
          onPointerDown={(event) => event.preventDefault()}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onTake(person)}
        >
          <Avatar userId={person.id} name={person.display_name ?? person.username} />
          <PersonName person={person} />
        </li>
      ))}
    </ul>
  );
}

export function PeopleField({
  label,
  name,
  hint,
  placeholder,
  isList,
  isRequired = false,
}: {
  label: string;
  name: string;
  hint?: string;
  placeholder?: string;
  /** Whether several names may be written, separated by commas. */
  isList: boolean;
  isRequired?: boolean;
}) {
  const id = useId();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  /** The text for which the list was closed. */
  const [closedAt, setClosedAt] = useState<string>("");
  const field = useRef<HTMLInputElement>(null);
  const query = text === closedAt ? "" : partIn(text, isList);
  const { found, isDone } = useFound(query);
  const active = Math.min(chosen, found.length - 1);
  const isOpen = found.length > 0;

  function take(person: Profile | undefined) {
    if (!person) return;
    const next = completed(text, person.username, isList);
    setText(next);
    setClosedAt(next);
    field.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (isOfInputMethod(event)) {
      if (event.key === "Enter") event.preventDefault();
      return;
    }
    if (!isOpen || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const count = found.length;
    if (event.key === "ArrowDown") setChosen((active + 1) % count);
    else if (event.key === "ArrowUp") setChosen((active + count - 1) % count);
    else if (event.key === "Enter" || event.key === "Tab") take(found[active]);
    else if (event.key === "Escape") setClosedAt(text);
    else return;
    event.preventDefault();
  }

  return (
    <div class="field people-field">
      <label for={id}>{label}</label>
      <input
        ref={field}
        id={id}
        name={name}
        role="combobox"
        dir="auto"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        required={isRequired}
        value={text}
        placeholder={placeholder}
        aria-describedby={hint ? `${id}-hint` : undefined}
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={isOpen ? `${id}-list` : undefined}
        aria-activedescendant={isOpen ? `${id}-${active}` : undefined}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
          setClosedAt("");
        }}
        onBlur={() => setClosedAt(text)}
        onKeyDown={onKeyDown}
      />
      {isOpen && <FoundPeople id={id} found={found} active={active} onTake={take} />}
      <span class="visually-hidden" role="status">
        {isOpen && `${found.length} found: choose with the arrow keys, take with Enter.`}
        {isDone && !isOpen && query !== "" && "Nobody was found."}
      </span>
      {hint && (
        <small id={`${id}-hint`} class="muted">
          {hint}
        </small>
      )}
    </div>
  );
}
