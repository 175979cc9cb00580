/** Settles when the page is visible, or hidden. @throws the signal's reason */
export async function whenVisible(isVisible: boolean, signal: AbortSignal): Promise<void> {
  const state = isVisible ? "visible" : "hidden";
  signal.throwIfAborted();
  while (document.visibilityState !== state) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    document.addEventListener("visibilitychange", resolve, { once: true });
    signal.addEventListener("abort", resolve, { once: true });
    await promise;
    signal.throwIfAborted();
  }
}
