import { useEffect, useState } from "preact/hooks";
import type { Client, ConnectionSnapshot } from "../client/client.ts";
import { useSnapshot } from "./observing.ts";

/** Shorter interruptions are nobody's concern: a reconnect that works is not worth a flicker. */
const patienceMs = 400;

function wordsOf({ state, reason, retryAtMs }: ConnectionSnapshot): string {
  switch (state) {
    case "live":
      return "Live";
    case "connecting":
      return "Connecting…";
    case "catching_up":
      return "Catching up…";
    case "offline":
      if (retryAtMs === undefined) return "Offline";
      return reason === "restart" ? "Offline: the server restarts" : "Offline, trying again";
  }
}

/** What the connection is, as a dot with words. Changes are told to screen readers. */
export function ConnectionState({ client }: { client: Client }) {
  const snapshot = useSnapshot(client.connection);
  const [shown, setShown] = useState(snapshot);
  useEffect(() => {
    const timer = setTimeout(() => setShown(snapshot), snapshot.state === "live" ? 0 : patienceMs);
    return () => clearTimeout(timer);
  }, [snapshot]);
  return (
    <div class={`connection ${shown.state}`}>
      <span role="status">{wordsOf(shown)}</span>
      {shown.state === "offline" && (
        <button type="button" class="link" onClick={client.connect}>
          Try now
        </button>
      )}
    </div>
  );
}
