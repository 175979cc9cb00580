import { useRef } from "preact/hooks";
import { Refusal, useAction } from "./acting.tsx";

/** Chooses a picture for a person or a chat, or removes it. Each choice is stored at once. */
export function PictureChoice({
  what,
  hasPicture,
  onChoose,
  onRemove,
}: {
  /** For screen readers, such as `your picture`. */
  what: string;
  hasPicture: boolean;
  onChoose: (image: Blob) => Promise<unknown>;
  onRemove: () => Promise<unknown>;
}) {
  const action = useAction();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="picture-choice">
      <button type="button" disabled={action.isBusy} onClick={() => input.current?.click()}>
        {hasPicture ? "Change picture" : "Choose picture"}
      </button>
      {hasPicture && (
        <button
          type="button"
          class="link"
          disabled={action.isBusy}
          aria-label={`Remove ${what}`}
          onClick={() => void action.run(onRemove)}
        >
          Remove
        </button>
      )}
      <input
        ref={input}
        type="file"
        accept="image/jpeg,image/png,image/webp,image/gif"
        hidden
        onChange={({ currentTarget }) => {
          const [image] = currentTarget.files ?? [];
          // The same file can be chosen again after it was removed.
          currentTarget.value = "";
          if (image) void action.run(() => onChoose(image));
        }}
      />
      <Refusal of={action} />
    </div>
  );
}
