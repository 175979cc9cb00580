import { useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";
import type { Uploads } from "./uploads.ts";

/** Chooses files. On phones it offers the camera, too. */
export function AttachButton({ uploads }: { uploads: Uploads }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        class="quiet square"
        aria-label="Add files"
        title="Add files"
        onClick={() => input.current?.click()}
      >
        <Icon name="attach" />
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={({ currentTarget }) => {
          uploads.add(currentTarget.files ?? []);
          // The same file can be chosen again after it was removed.
          currentTarget.value = "";
        }}
      />
    </>
  );
}
