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
