// `gemini-coop/client/push`: browsers that ring while no page is open.
import type { PushKey, PushSubscription } from "../wire/push.ts";
import type { Client } from "./client.ts";

export type { PushSubscription } from "../wire/push.ts";

/** The result of `toJSON()` of a browser's own PushSubscription. */
export interface SubscriptionOfBrowser {
  endpoint?: string | undefined;
  keys?: Record<string, string> | undefined;
}

export type Push = ReturnType<typeof createPush>;

/** All functions throw ProblemError, with the codes that the API documents. */
export function createPush({ call }: Pick<Client, "call">) {
  const path = "/api/push/subscriptions";
  return {
    /** The `applicationServerKey` of `pushManager.subscribe()`, in base64url. */
    getKey: async () => (await call<PushKey>("GET", "/api/push/key")).public_key,
    /** Subscribes the browser until the session ends. @param showsText whether messages have the beginning of the text */
    subscribe: (subscription: SubscriptionOfBrowser, showsText: boolean) =>
      call<PushSubscription>("POST", path, { ...subscription, shows_text: showsText }),
    /** The person's browsers that ring, the latest first. */
    list: () => call<PushSubscription[]>("GET", path),
    unsubscribe: (subscriptionId: number) =>
      call<{ message: string }>("DELETE", `${path}/${subscriptionId}`),
  };
}
