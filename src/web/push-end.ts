/** Has this browser ring no more. The server forgets it with the session. Never throws. */
export async function ringNoMore(): Promise<void> {
  try {
    const registration = await navigator.serviceWorker?.getRegistration();
    await (await registration?.pushManager?.getSubscription())?.unsubscribe();
  } catch {
    // The server rings for no session that has ended.
  }
}
