import { useEffect, useState } from "preact/hooks";
import type { Report } from "../client/moderation.ts";
import { Refusal, useAction, type Acting } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { Dialog } from "./dialog.tsx";
import { useModeration } from "./moderating.ts";
import { usePageParts } from "./page-parts.ts";
import { fullTime } from "./times.ts";

/** The open reports of a chat, for its owner and moderators. */
export function ReportsDialog({ chatId, onClose }: { chatId: number; onClose: () => void }) {
  const { client } = usePageParts();
  const moderation = useModeration();
  const action = useAction();
  const [reports, setReports] = useState<readonly Report[]>();
  const [cursor, setCursor] = useState<string | null>(null);

  const load = (after?: string) =>
    action.run(async () => {
      const page = await moderation.listReports(chatId, {
        status: "open",
        ...(after === undefined ? {} : { cursor: after }),
      });
      setReports((before) => [...((after && before) || []), ...page.items]);
      setCursor(page.next_cursor);
    });
  useEffect(() => void load(), []);
  useEffect(
    () =>
      client.onFrame((frame) => {
        if (frame.type !== "report" || frame.chat_id !== chatId) return;
        const { report } = frame;
        setReports((before = []) => {
          const others = before.filter(({ id }) => id !== report.id);
          return report.status === "open" ? [report, ...others] : others;
        });
      }),
    [],
  );
  const without = (ended: (report: Report) => boolean) =>
    setReports((before) => before?.filter((report) => !ended(report)));

  return (
    <Dialog title="Reports" onClose={onClose}>
      {() => (
        <>
          {reports?.length === 0 && <p class="muted">No message is reported.</p>}
          <ul class="reports" aria-label="Reports, the newest first">
            {reports?.map((report) => (
              <ReportItem
                key={report.id}
                report={report}
                action={action}
                onResolve={async () => {
                  if (await action.run(() => moderation.resolveReport(chatId, report.id))) {
                    without(({ id }) => id === report.id);
                  }
                }}
                onDelete={async () => {
                  const { id } = report.message;
                  if (await action.run(() => client.api.deleteMessage(chatId, id))) {
                    without(({ message }) => message.id === id);
                  }
                }}
              />
            ))}
          </ul>
          <Refusal of={action} />
          {cursor !== null && (
            <button type="button" disabled={action.isBusy} onClick={() => void load(cursor)}>
              Show more
            </button>
          )}
        </>
      )}
    </Dialog>
  );
}

function ReportItem({
  report,
  action,
  onResolve,
  onDelete,
}: {
  report: Report;
  action: Acting;
  onResolve: () => Promise<void>;
  onDelete: () => Promise<void>;
}) {
  return (
    <li>
      <p>
        <bdi>{report.reporter.username}</bdi>{" "}
        <time class="muted" dateTime={report.created_at}>
          {fullTime(report.created_at)}
        </time>
      </p>
      <p dir="auto">{report.reason}</p>
      <blockquote class="reported" dir="auto">
        <bdi class="muted">{report.message.username}</bdi> {report.message.content}
      </blockquote>
      <div class="buttons">
        <button type="button" disabled={action.isBusy} onClick={() => void onResolve()}>
          Resolve
        </button>
        <ConfirmedButton
          label="Delete the message"
          disabled={action.isBusy}
          onConfirm={() => void onDelete()}
        />
      </div>
    </li>
  );
}
