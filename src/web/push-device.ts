// This browser, as far as it can ring while the page is closed.
import { ProblemError } from "../client/problem-error.ts";
import type { Client } from "../client/client.ts";
import { createPush } from "../client/push.ts";
import { forgetRinging } from "./push-end.ts";
import { rememberedRinging, rememberRinging } from "./push-memory.ts";

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
export async function ringHere(client: Client, showsText: boolean): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") {
    throw new ProblemError(
      "forbidden",
      "This browser does not allow notifications of this page. Allow them in its settings, and try again.",
    );
  }
  const push = createPush(client);
  const address = policy?.createScriptURL(workerAddress) ?? workerAddress;
  await navigator.serviceWorker.register(address);
  const { pushManager } = await navigator.serviceWorker.ready;
  // It may be for another person, or for another key of the server.
  await (await pushManager.getSubscription())?.unsubscribe();
  const subscription = await subscribe(pushManager, bytesOf(await push.getKey())).catch(
    (error: unknown) => {
      throw new ProblemError(
        "unavailable",
        `The browser could not reach its push service (${error instanceof Error ? error.name : "unknown"}). Try again later.`,
      );
    },
  );
  await push.subscribe(subscription.toJSON(), showsText);
  const { id: userId } = await client.session.me();
  rememberRinging({ userId, endpoint: subscription.endpoint, showsText });
}

/**
 * Keeps this browser ringing where it rings for this person: subscribes again if the browser has lost its subscription or the server has
 * another key since, and sends the server the address, which the browser may have replaced, also if the server has forgotten the address
 * before. Asks for no permission.
 * @throws ProblemError, or the browser's own error
 */
export async function keepRinging(client: Client): Promise<void> {
  const push = createPush(client);
  const registration = await navigator.serviceWorker.getRegistration();
  if (!registration) return;
  const { pushManager } = registration;
  const [known, ...more] = (await push.list()).filter((each) => each.current);
  const { id: userId } = await client.session.me();
  const remembered = rememberedRinging();
  let held = await pushManager.getSubscription();
  if (!known) {
    if (remembered?.userId !== userId) return;
    // The address is the one that was sent: the person has removed it elsewhere, or its session has ended.
    if (held?.endpoint === remembered.endpoint) return forgetRinging();
  }
  const showsText = known?.shows_text ?? remembered?.showsText ?? false;
  const key = bytesOf(await push.getKey());
  if (held && !isFor(held, key)) {
    await held.unsubscribe();
    held = null;
  }
  const subscription = held ?? (await subscribe(pushManager, key));
  const replaced = [known, ...more].filter((each) => each !== undefined);
  const { id } = await push
    .subscribe(subscription.toJSON(), showsText)
    .catch(async (error: unknown) => {
      const isFull = error instanceof ProblemError && error.code === "too_many_push_subscriptions";
      const [first] = replaced;
      if (!isFull || !first) throw error;
      // The address that is replaced gives its place to the new one.
      await push.unsubscribe(first.id);
      replaced.shift();
      return await push.subscribe(subscription.toJSON(), showsText);
    });
  rememberRinging({ userId, endpoint: subscription.endpoint, showsText });
  for (const before of replaced) {
    if (before.id !== id) await push.unsubscribe(before.id);
  }
}

const subscribe = (pushManager: PushManager, key: Uint8Array<ArrayBuffer>) =>
  pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });

function isFor({ options }: globalThis.PushSubscription, key: Uint8Array): boolean {
  const held = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer());
  return held.length === key.length && held.every((byte, index) => byte === key[index]);
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
