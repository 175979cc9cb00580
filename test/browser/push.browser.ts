// The page as an app: its manifest, its service worker, and the browser that rings. Chromium reaches no push service here, so that a
// subscription fails; its tools deliver a push message instead.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { useWorld } from "../world/world.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium();
const world = useWorld();

/** Has the page's service worker receive a push message. */
async function deliver(page: Page, payload: object): Promise<void> {
  const tools = await page.context().newCDPSession(page);
  const registered = Promise.withResolvers<string>();
  tools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
    const [registration] = registrations;
    if (registration) registered.resolve(registration.registrationId);
  });
  await tools.send("ServiceWorker.enable");
  await tools.send("ServiceWorker.deliverPushMessage", {
    origin: world.url,
    registrationId: await registered.promise,
    data: JSON.stringify(payload),
  });
  await tools.detach();
}

const notificationsOf = (page: Page) =>
  page.evaluate(`navigator.serviceWorker.ready
    .then((registration) => registration.getNotifications())
    .then((shown) => shown.map(({ title, body, tag }) => ({ title, body, tag })))`);

test("a browser asks for the permission when the person presses the button, and shows one notification a chat, which opens its room", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Physics" });
  const { seq } = await anna.say(chat.id, "The sky is blue.");
  const visitor = await visit(world, browser, { as: anna });
  const { page } = visitor;
  expect(await page.evaluate("Notification.permission")).not.toBe("granted");
  expect(await page.evaluate("navigator.serviceWorker.getRegistration()")).toBeUndefined();
  await page.context().grantPermissions(["notifications"], { origin: world.url });
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: "Notifications" }).click();
  await dialog.getByRole("button", { name: "Ring on this device" }).click();
  await dialog.getByText("could not reach its push service").waitFor();
  await page.keyboard.press("Escape");

  const payload = { chat_id: chat.id, seq, title: "ben in Physics", body: "<b>hello</b>" };
  await deliver(page, { ...payload, body: "an older one" });
  await deliver(page, payload);
  const shown = { title: "ben in Physics", body: "<b>hello</b>", tag: `chat-${chat.id}` };
  // The worker shows a message after it was delivered.
  await page.waitForFunction(`navigator.serviceWorker.ready
    .then((registration) => registration.getNotifications())
    .then((notifications) => notifications.some(({ body }) => body === "${payload.body}"))`);
  expect(await notificationsOf(page)).toEqual([shown]);

  const [worker] = page.context().serviceWorkers();
  if (!worker) throw new Error("there is no service worker");
  await worker.evaluate(`self.registration.getNotifications().then(([notification]) =>
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification })))`);
  await page.getByText("The sky is blue.").first().waitFor();
  await page.waitForURL(new RegExp(`#/chats/${chat.id}`));
  expect(await notificationsOf(page)).toEqual([]);
  // The browser's own words about the push service.
  expect(visitor.faults.filter((fault) => !/push/i.test(fault))).toEqual([]);
  await visitor.close();
});

test("a browser whose person does not allow it does not ring, and says so", async () => {
  const anna = await world.person("anna");
  const visitor = await visit(world, browser, { as: anna });
  const { page } = visitor;
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: "Notifications" }).click();
  await dialog.getByRole("button", { name: "Ring on this device" }).click();
  await dialog.getByText("does not allow notifications of this page").waitFor();
  expect(await page.evaluate("navigator.serviceWorker.getRegistration()")).toBeUndefined();
  expect((await anna.api("GET", "/api/push/subscriptions")).body).toEqual([]);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("other devices that ring are listed, and removed", async () => {
  const anna = await world.person("anna");
  await anna.api("POST", "/api/push/subscriptions", {
    endpoint: "https://push.example.com/1",
    keys: {
      p256dh:
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
      auth: "BTBZMqHH6r4Tts7J_aSIgg",
    },
    shows_text: false,
  });
  await world.sql`
    update push_subscriptions set session_id = other.id
    from sessions other where other.user_id <> ${anna.id} and push_subscriptions.user_id = ${anna.id}
  `;
  const visitor = await visit(world, browser, { as: anna });
  const { page } = visitor;
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: "Notifications" }).click();
  await dialog.getByText(/by push\.example\.com, without the text/).waitFor();
  const about = "the device by push.example.com";
  await dialog.getByRole("button", { name: `Remove ${about}` }).click();
  await dialog.getByRole("button", { name: `Remove: really? ${about}` }).click();
  await dialog.getByText("The device rings no more.").waitFor();
  expect((await anna.api("GET", "/api/push/subscriptions")).body).toEqual([]);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});

test("Chromium finds nothing missing for installing the page as an app", async () => {
  const visitor = await visit(world, browser, { as: await world.person("anna") });
  const tools = await visitor.page.context().newCDPSession(visitor.page);
  const { errors } = await tools.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  const { installabilityErrors } = await tools.send("Page.getInstallabilityErrors");
  // Contexts of tests are private windows.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});
