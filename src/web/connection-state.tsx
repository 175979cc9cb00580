import { useEffect, useState } from "preact/hooks";
import type { Client, ConnectionSnapshot } from "../client/client.ts";
import { useSnapshot } from "./observing.ts";

/** Shorter interruptions are not shown: a quick reconnect would only make the label flicker. */
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

/** Shows the connection's state as a coloured dot with a label. Screen readers announce changes. */
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
