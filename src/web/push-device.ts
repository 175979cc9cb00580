// This browser, as far as it can ring while the page is closed.
import { ProblemError } from "../client/problem-error.ts";
import type { Push } from "../client/push.ts";

const workerAddress = "/service-worker.js";

/** A page that requires trusted types registers no worker from a text. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL: (url: string) => string };
}

const trustedTypes: TrustedTypes | undefined = Reflect.get(window, "trustedTypes");
const policy = trustedTypes?.createPolicy("service-worker", {
  createScriptURL: (url) => {
    if (url !== workerAddress) throw new Error("not the service worker of the page");
    return url;
  },
});

/** On iOS, only an installed app can ring. */
export const canRing = () =>
  "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** To be called when the person presses a button: a browser asks for the permission only then. @throws ProblemError */
export async function ringHere(push: Push, showsText: boolean): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") {
    throw new ProblemError(
      "forbidden",
      "This browser does not allow notifications of this page. Allow them in its settings, and try again.",
    );
  }
  const address = policy?.createScriptURL(workerAddress) ?? workerAddress;
  await navigator.serviceWorker.register(address);
  const { pushManager } = await navigator.serviceWorker.ready;
  // It may be for another person, or for another key of the server.
  await (await pushManager.getSubscription())?.unsubscribe();
  const key = await push.getKey();
  const subscription = await pushManager
    .subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) })
    .catch((error: unknown) => {
      throw new ProblemError(
        "unavailable",
        `The browser could not reach its push service (${error instanceof Error ? error.name : "unknown"}). Try again later.`,
      );
    });
  await push.subscribe(subscription.toJSON(), showsText);
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
