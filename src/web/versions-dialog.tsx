import { useEffect, useState } from "preact/hooks";
import type { Client } from "../client/client.ts";
import { createDetails, type MessageVersion } from "../client/details.ts";
import type { Message } from "../wire/messages.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Dialog } from "./dialog.tsx";
import { fullTime } from "./times.ts";

/** The texts that an edited message has had, the newest first. */
export function VersionsDialog({
  client,
  message,
  onClose,
}: {
  client: Client;
  message: Message;
  onClose: () => void;
}) {
  const action = useAction();
  const [versions, setVersions] = useState<readonly MessageVersion[]>();
  useEffect(() => {
    void action.run(async () => {
      const oldestFirst = await createDetails(client).listVersions(message.chat_id, message.id);
      setVersions(oldestFirst.toReversed());
    });
  }, []);
  return (
    <Dialog title="Versions of this message" onClose={onClose}>
      {() => (
        <>
          {action.isBusy && <p role="status">Loading…</p>}
          <Refusal of={action} />
          <ol class="versions" tabIndex={0} aria-label="Versions, the newest first">
            {versions?.map(({ content, updated_seq, created_at }) => (
              <li key={updated_seq}>
                <time class="muted" dateTime={created_at}>
                  {fullTime(created_at)}
                </time>
                <p dir="auto">{content === "" ? <span class="muted">No text</span> : content}</p>
              </li>
            ))}
          </ol>
        </>
      )}
    </Dialog>
  );
}
