import { useId, useRef, useState } from "preact/hooks";

/** @throws Error where the browser does not allow it, such as on a page over plain HTTP */
async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
}

/** A secret that was just created, with a button that copies it. Nobody is shown it again. */
export function ShownSecret({
  kind,
  name,
  secret,
}: {
  kind: "key" | "address" | "secret";
  name: string;
  secret: string;
}) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [isCopied, setCopied] = useState(false);
  return (
    <div class="field shown-key">
      <label for={id}>
        The {kind} {kind === "secret" && "of "}“<bdi>{name}</bdi>”: copy it now, it is not shown
        again
      </label>
      <input ref={field} id={id} readOnly value={secret} onFocus={() => field.current?.select()} />
      <button
        type="button"
        onClick={() =>
          void copy(secret).then(
            () => setCopied(true),
            () => field.current?.focus(),
          )
        }
      >
        {isCopied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
