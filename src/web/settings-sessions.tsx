import { useEffect, useState } from "preact/hooks";
import type { Session } from "../client/details.ts";
import { Refusal, useAction } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { usePageParts } from "./page-parts.ts";
import { signOut } from "./push-end.ts";
import { Saved } from "./settings-section.tsx";
import { fullTime } from "./times.ts";

/** The browsers and systems that are named; the first that fits counts. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg/, "Edge"],
  [/\b(OPR|Opera)\b/, "Opera"],
  [/\bFirefox\b|\bFxiOS\b/, "Firefox"],
  [/Chrome\/|CriOS\/|Chromium\//, "Chrome"],
  [/\bSafari\b/, "Safari"],
  [/\bcurl\b/, "curl"],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone\b|\biPad\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** `Firefox on Windows`; an unknown program under the beginning of its own description. */
export function deviceOf(userAgent: string | null): string {
  if (userAgent === null || userAgent === "") return "Unknown device";
  const find = (list: typeof browsers) => list.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = find(browsers);
  const system = find(systems);
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? userAgent.slice(0, 40);
}

/** The places where the person is signed in. */
export function SessionSettings() {
  const { client, details } = usePageParts();
  const [sessions, setSessions] = useState<readonly Session[]>();
  const [saved, setSaved] = useState("");
  const action = useAction();
  const load = async () => setSessions(await details.listSessions());
  useEffect(() => void action.run(load), []);

  async function end(work: () => Promise<unknown>, text: string) {
    setSaved("");
    const isDone = await action.run(async () => {
      await work();
      await load();
    });
    if (isDone) setSaved(text);
  }

  const others = sessions?.filter(({ current }) => !current) ?? [];
  return (
    <div class="stack">
      <ul class="people sessions" aria-label="Your sessions" tabIndex={0}>
        {sessions?.map((session) => (
          <li key={session.id}>
            <div>
              <strong>{deviceOf(session.user_agent)}</strong>
              <small class="muted">
                {session.current ? "This session, " : ""}
                {session.address ?? "unknown address"}, last used{" "}
                <time dateTime={session.last_used_at}>{fullTime(session.last_used_at)}</time>
              </small>
            </div>
            {session.current ? (
              <button type="button" class="quiet" onClick={() => void signOut(client.session)}>
                Sign out
              </button>
            ) : (
              <ConfirmedButton
                label="End"
                about={`the session of ${deviceOf(session.user_agent)}`}
                disabled={action.isBusy}
                onConfirm={() =>
                  void end(() => details.endSession(session.id), "The session has ended.")
                }
              />
            )}
          </li>
        ))}
      </ul>
      {sessions === undefined && !action.problem && <p class="muted">Loading…</p>}
      <Refusal of={action} />
      <footer>
        <Saved text={saved} />
        {others.length > 0 && (
          <ConfirmedButton
            label="End all other sessions"
            disabled={action.isBusy}
            onConfirm={() =>
              void end(() => details.endOtherSessions(), "The other sessions have ended.")
            }
          />
        )}
      </footer>
    </div>
  );
}
