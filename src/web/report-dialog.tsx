import { useId, useState } from "preact/hooks";
import type { Report } from "../client/moderation.ts";
import type { Message } from "../wire/messages.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Dialog } from "./dialog.tsx";
import { useModeration } from "./moderating.ts";

/** Reports a message to the people who moderate the chat. */
export function ReportDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const moderation = useModeration();
  const action = useAction();
  const [sent, setSent] = useState<Report>();
  const id = useId();

  async function send(form: HTMLFormElement) {
    const reason = String(new FormData(form).get("reason") ?? "");
    const { chat_id, id: messageId } = message;
    await action.run(async () =>
      setSent(await moderation.reportMessage(chat_id, messageId, reason)),
    );
  }

  return (
    <Dialog title="Report this message" onClose={onClose}>
      {(close) =>
        sent ? (
          <>
            <p role="status">
              {sent.handled_by === "moderators"
                ? "The chat's owner and moderators are told. Nobody else is."
                : "The message is of the chat's owner, and nobody else moderates the chat: the operators of this server can see your report."}
            </p>
            <footer>
              <button type="button" class="primary" onClick={close}>
                Done
              </button>
            </footer>
          </>
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void send(event.currentTarget);
            }}
          >
            <blockquote class="reported" dir="auto">
              {message.content}
            </blockquote>
            <div class="field">
              <label for={id}>What is wrong with it?</label>
              <textarea id={id} name="reason" rows={3} maxLength={1_000} dir="auto" required />
            </div>
            <Refusal of={action} />
            <footer>
              <button type="button" onClick={close}>
                Cancel
              </button>
              <button class="primary" disabled={action.isBusy}>
                Report
              </button>
            </footer>
          </form>
        )
      }
    </Dialog>
  );
}
