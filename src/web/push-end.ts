import type { Session } from "../client/client.ts";
import { noteSignedIn } from "./signed-in-tab.ts";

/** The entry of `localStorage` that push-memory.ts keeps. */
export const ringingKey = "gemini-coop-ringing";

/** Forgets that this browser is to ring. */
export function forgetRinging(): void {
  try {
    localStorage.removeItem(ringingKey);
  } catch {
    // There is none where storage is forbidden.
  }
}

/** Signs out, as the person has asked for in this tab. Never throws. */
export async function signOut(session: Session): Promise<void> {
  noteSignedIn(false);
  await ringNoMore();
  await session.logout();
}

/** Stops the ringing of this browser. The server forgets it with the session. Never throws. */
export async function ringNoMore(): Promise<void> {
  forgetRinging();
  try {
    const registration = await navigator.serviceWorker?.getRegistration();
    await (await registration?.pushManager?.getSubscription())?.unsubscribe();
  } catch {
    // The server rings for no session that has ended.
  }
}
