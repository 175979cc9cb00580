// The service worker of the page. It shows push messages while the page is closed, and opens their room. It keeps no files: the page
// needs its server anyway.

// An installed app must not wait for all its windows to be closed before it rings as this version does.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { chat_id: chatId, seq, title, body } = event.data.json();
  const shown = self.registration.showNotification(String(title), {
    body: String(body),
    icon: "/icons/icon-192.png",
    badge: "/icons/badge-96.png",
    // A chat has one notification: a newer one takes its place, and rings again.
    tag: `chat-${chatId}`,
    renotify: true,
    data: { chatId: Number(chatId), seq: Number(seq) },
  });
  event.waitUntil(Promise.all([shown, self.navigator.setAppBadge?.().catch(() => undefined)]));
});

// A browser may replace its address. The page sends the new one to the server when it is opened next: a worker has no access token.
self.addEventListener("pushsubscriptionchange", (event) => {
  const { oldSubscription, newSubscription } = event;
  if (newSubscription || !oldSubscription) return;
  event.waitUntil(self.registration.pushManager.subscribe(oldSubscription.options));
});

self.addEventListener("notificationclick", (event) => {
  const { chatId, seq } = event.notification.data;
  event.notification.close();
  event.waitUntil(Promise.all([open(chatId, seq), self.navigator.clearAppBadge?.()]));
});

/** Shows a message in a window of the page that is open, or in a new one. */
async function open(chatId, seq) {
  const url = new URL(`/#/chats/${chatId}/${seq}`, self.location.origin).href;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const window = windows.find(({ visibilityState }) => visibilityState === "visible") ?? windows[0];
  if (!window) return await self.clients.openWindow(url);
  // A browser may keep it where it is.
  await window.focus().catch(() => undefined);
  // A window that this worker does not control cannot be led anywhere.
  return await window.navigate(url).catch(() => self.clients.openWindow(url));
}
