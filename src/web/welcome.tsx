import { Icon } from "./icons.tsx";

/** Shown in place of a room while none is open. */
export function Welcome({ hasChats, onCreate }: { hasChats: boolean; onCreate: () => void }) {
  return (
    <main class="room empty">
      <div class="invitation">
        <span class="mark" aria-hidden="true">
          <Icon name="sparkle" />
        </span>
        <h2>{hasChats ? "Pick a chat" : "Start a conversation"}</h2>
        <p class="muted">
          Write with people as always. Begin a message with <code>/bot</code>, and Gemini answers
          for everybody in the room.
        </p>
        <button type="button" class="primary" onClick={onCreate}>
          <Icon name="add" /> New chat
        </button>
      </div>
    </main>
  );
}
