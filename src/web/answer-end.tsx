import type { Message, MessageStatus } from "../wire/messages.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Icon } from "./icons.tsx";
import { isWebAddress } from "./sanitising.ts";

/** The note shown below an answer that is not complete. The server's reason follows it. */
const endings: Partial<Record<MessageStatus, string>> = {
  stopped: "Stopped.",
  failed: "This answer failed.",
  blocked: "This answer was blocked.",
  truncated: "This answer was cut off.",
  interrupted: "This answer was interrupted.",
};

/** Below an answer: its sources, how it ended, and buttons to stop it or to ask again. */
export function AnswerEnd({
  answer,
  onStop,
  onAskAgain,
}: {
  answer: Message;
  onStop: (messageId: number) => Promise<unknown>;
  onAskAgain: (messageId: number) => Promise<unknown>;
}) {
  const action = useAction();
  const ending = endings[answer.status];
  const sources = (answer.sources ?? []).filter(({ url }) => isWebAddress(url));
  const isRunning = answer.status === "streaming";
  return (
    <>
      {sources.length > 0 && (
        <section class="sources" aria-label="Sources of this answer">
          <ol>
            {sources.map(({ title, url }) => (
              <li key={url}>
                <a href={url} dir="auto" target="_blank" rel="noopener noreferrer nofollow">
                  {title || url}
                </a>
              </li>
            ))}
          </ol>
        </section>
      )}
      {ending && (
        <p class="end failed">
          {ending} {answer.error}
        </p>
      )}
      <div class="actions">
        {isRunning && (
          <span class="thinking">{answer.content === "" ? "Thinking…" : "Writing…"}</span>
        )}
        {/* They are one element, which keeps the focus: a disabled button would drop it. */}
        {isRunning ? (
          <button
            type="button"
            aria-disabled={action.isBusy}
            onClick={() => action.run(() => onStop(answer.id))}
          >
            <Icon name="stop" /> Stop
          </button>
        ) : (
          <button
            type="button"
            class="quiet"
            aria-disabled={action.isBusy}
            onClick={() => action.run(() => onAskAgain(answer.id))}
          >
            <Icon name="retry" /> Ask again
          </button>
        )}
        <Refusal of={action} />
      </div>
    </>
  );
}
