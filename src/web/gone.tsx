import { useEffect, useRef } from "preact/hooks";
import type { RoomSnapshot } from "../client/client.ts";

/** In place of a room that the person is not in. */
export function Gone({ snapshot, onClose }: { snapshot: RoomSnapshot; onClose: () => void }) {
  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // The focus was in the room that is gone.
    if (document.activeElement === document.body) back.current?.focus();
  }, []);
  return (
    <main class="room empty">
      <div class="invitation" role="alert">
        <h2>This chat is not here</h2>
        <p class="muted">{snapshot.problem?.detail}</p>
        <button ref={back} type="button" onClick={onClose}>
          Back to the chats
        </button>
      </div>
    </main>
  );
}
