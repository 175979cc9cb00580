import type { PendingMessage } from "../client/client.ts";

/** Gives the focus of a button that is about to go to the list of messages. */
function giveFocus(button: HTMLButtonElement): void {
  button.closest<HTMLElement>(".messages")?.focus();
}

/** Below a message that the server has refused. */
export function NotSent({
  pending: { client_id, problem },
  onRetry,
  onDiscard,
}: {
  pending: PendingMessage;
  onRetry: (clientId: string) => void;
  onDiscard: (clientId: string) => void;
}) {
  return (
    <div class="end failed" role="alert">
      <span>Not sent. {problem?.detail}</span>
      {/* The server refuses an invalid message each time. */}
      {problem?.code !== "invalid" && (
        <button
          type="button"
          class="link"
          onClick={(event) => {
            giveFocus(event.currentTarget);
            onRetry(client_id);
          }}
        >
          Try again
        </button>
      )}
      <button
        type="button"
        class="link"
        onClick={(event) => {
          giveFocus(event.currentTarget);
          onDiscard(client_id);
        }}
      >
        Discard
      </button>
    </div>
  );
}
