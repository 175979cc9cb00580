import type { User } from "../wire/users.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Dialog } from "./dialog.tsx";
import { useServices } from "./services.ts";

/** The person's own settings: what others see of them. */
export function MySettingsDialog({
  user,
  onChanged,
  onClose,
}: {
  user: User;
  onChanged: (user: User) => void;
  onClose: () => void;
}) {
  const { details } = useServices();
  const action = useAction();
  return (
    <Dialog title="Your settings" onClose={onClose}>
      {(close) => (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const data = new FormData(event.currentTarget);
            const read_receipts = data.has("read_receipts");
            const presence = data.has("visible") ? "visible" : "invisible";
            void action
              .run(async () => onChanged(await details.changeMe({ read_receipts, presence })))
              .then((isDone) => isDone && close());
          }}
        >
          <label class="check">
            <input type="checkbox" name="read_receipts" defaultChecked={user.read_receipts} />
            <span>
              <strong>Read receipts</strong>
              <small class="muted">
                Others see which messages you have read, and you see which ones they have read.
                Without them, neither you nor the others see it.
              </small>
            </span>
          </label>
          <label class="check">
            <input type="checkbox" name="visible" defaultChecked={user.presence === "visible"} />
            <span>
              <strong>Show when you are online</strong>
              <small class="muted">
                People in your chats see whether you are online, away, or when you were last here.
                Otherwise you appear offline; you still see the others.
              </small>
            </span>
          </label>
          <Refusal of={action} />
          <footer>
            <button type="button" onClick={close}>
              Cancel
            </button>
            <button class="primary" disabled={action.isBusy}>
              Save
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}
