import { useEffect } from "preact/hooks";
import type { Client } from "../client/client.ts";

/** Keeps this browser ringing, if it does. The code for it is loaded only where the person has allowed notifications. */
export function useRinging(client: Client): void {
  useEffect(() => {
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    import("./push-device.ts")
      .then(({ keepRinging }) => keepRinging(client))
      // The next visit tries again.
      .catch(() => undefined);
  }, []);
}
