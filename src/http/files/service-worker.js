// The service worker of the page. It shows push messages while the page is closed, and opens their room. It keeps no files: the page
// needs its server anyway.

// An installed app must not wait for all its windows to be closed before it rings as this version does.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// Push messages are shown one after the other: a browser may finish showing two at a time in either order.
let lastShown = Promise.resolve();
self.addEventListener("push", (event) => {
  const message = event.data.json();
  lastShown = lastShown.then(() => show(message)).catch(() => undefined);
  event.waitUntil(Promise.all([lastShown, self.navigator.setAppBadge?.().catch(() => undefined)]));
});

/** Shows a message as the notification of its chat. A chat has one: a newer message takes its place, and rings again. */
async function show({ chat_id: chatId, seq, title, body }) {
  const tag = `chat-${Number(chatId)}`;
  const known = await self.registration.getNotifications({ tag });
  // A push service may deliver messages in another order. The newer one is shown again, since browsers ask for a notification each.
  const newer = known.find(({ data }) => data.seq > Number(seq));
  await self.registration.showNotification(newer?.title ?? String(title), {
    body: newer?.body ?? String(body),
    icon: "/icons/icon-192.png",
    badge: "/icons/badge-96.png",
    tag,
    renotify: !newer,
    data: newer?.data ?? { chatId: Number(chatId), seq: Number(seq) },
  });
}

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
