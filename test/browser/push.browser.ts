// The page as an app: its manifest, its service worker, and the browser that rings. Chromium reaches no push service here, so that a
// subscription fails; its tools deliver a push message instead.
import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { PushSubscription } from "../../src/wire/push.ts";
import { useWorld } from "../world/world.ts";
import { chromiumPath } from "./chromium.ts";
import { useChromium, visit } from "./visitor.ts";

const browser = await useChromium(chromiumPath);
const world = useWorld();

/** Sends a push message to the page's service worker. */
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

const notificationsOf = (page: Page, tag: string) =>
  page.evaluate(`navigator.serviceWorker.ready
    .then((registration) => registration.getNotifications({ tag: "${tag}" }))
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
  const elsewhere = { ...payload, chat_id: chat.id + 1, body: "elsewhere" };
  await deliver(page, { ...payload, body: "an older one" });
  await deliver(page, payload);
  await deliver(page, { ...payload, seq: seq - 1, body: "one that was overtaken" });
  await deliver(page, elsewhere);
  const title = "ben in Physics";
  const [here, there] = [`chat-${chat.id}`, `chat-${elsewhere.chat_id}`];
  // The worker shows messages after they were delivered, one after the other. Chromium may take the last one away again.
  await page.waitForFunction(`navigator.serviceWorker.ready
    .then((registration) => registration.getNotifications({ tag: "${there}" }))
    .then((notifications) => notifications.length > 0)`);
  const shown = { title, body: "<b>hello</b>", tag: here };
  expect(await notificationsOf(page, here)).toEqual([shown]);

  const [worker] = page.context().serviceWorkers();
  if (!worker) throw new Error("there is no service worker");
  await worker.evaluate(`self.registration.getNotifications({ tag: "${here}" }).then(([notification]) =>
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification })))`);
  await page.getByText("The sky is blue.").first().waitFor();
  await page.waitForURL(new RegExp(`#/chats/${chat.id}`));
  expect(await notificationsOf(page, here)).toEqual([]);
  // The browser's own words about the push service.
  expect(visitor.faults.filter((fault) => !/push/i.test(fault))).toEqual([]);
  await visitor.close();
});

/** Stands in for the browser's push service. Each subscription has an address at a host of its own, and is kept in the page's storage. */
const fakePushService = `
  const keys = {
    p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  };
  PushManager.prototype.getSubscription = async () => {
    const { host, key } = JSON.parse(localStorage.getItem("fake push") ?? "{}");
    if (!host) return null;
    const endpoint = "https://" + host + "/anna";
    return {
      endpoint,
      options: { applicationServerKey: new Uint8Array(key).buffer },
      toJSON: () => ({ endpoint, keys }),
      unsubscribe: async () => (localStorage.removeItem("fake push"), true),
    };
  };
  PushManager.prototype.subscribe = async function ({ applicationServerKey }) {
    const count = Number(localStorage.getItem("fake push count")) + 1;
    localStorage.setItem("fake push count", count);
    const kept = { host: "push" + count + ".example.com", key: [...applicationServerKey] };
    localStorage.setItem("fake push", JSON.stringify(kept));
    return await this.getSubscription();
  };
`;

test("a browser that rings goes on ringing when its address or the server's key has changed, and one that does not is left alone", async () => {
  const anna = await world.person("anna");
  const visitor = await visit(world, browser, { as: anna });
  const { page } = visitor;
  await page.context().grantPermissions(["notifications"], { origin: world.url });
  await page.addInitScript(fakePushService);
  await page.reload();
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: "Notifications" }).click();
  await dialog.getByRole("checkbox", { name: /Show the text/ }).uncheck();
  await dialog.getByRole("button", { name: "Ring on this device" }).click();
  await dialog.getByText("This device rings.").waitFor();

  const path = "/api/push/subscriptions";
  const rings = async () => PushSubscription.array().parse((await anna.api("GET", path)).body);
  const [first] = await rings();
  expect(first).toMatchObject({ service: "push1.example.com", shows_text: false });
  const change = (script: string) =>
    page.evaluate(`(() => {
    const held = JSON.parse(localStorage.getItem("fake push"));
    ${script}
    localStorage.setItem("fake push", JSON.stringify(held));
  })()`);
  /** @param method the last request of the repair */
  const visitAgain = async (method: string) => {
    const repaired = page.waitForResponse(
      (response) => response.request().method() === method && response.url().includes(path),
    );
    await page.reload();
    await repaired;
  };
  await visitAgain("POST");
  expect(await rings()).toEqual(first ? [first] : []);
  await page.evaluate(`localStorage.removeItem("fake push")`);
  await visitAgain("DELETE");
  expect(await rings()).toMatchObject([{ service: "push2.example.com", shows_text: false }]);
  await change("held.key[3] ^= 1");
  await visitAgain("DELETE");
  expect(await rings()).toMatchObject([{ service: "push3.example.com", shows_text: false }]);
  await change(`held.host = "another.example.com"`);
  await visitAgain("DELETE");
  const [last] = await rings();
  expect(last).toMatchObject({ service: "another.example.com", shows_text: false });

  // The push service has told the server that the address is gone, and the browser has another one.
  await world.sql`delete from push_subscriptions where id = ${last?.id ?? 0}`;
  await change(`held.host = "changed.example.com"`);
  await visitAgain("POST");
  const [changed] = await rings();
  expect(changed).toMatchObject({ service: "changed.example.com", shows_text: false });
  await world.sql`delete from push_subscriptions where id = ${changed?.id ?? 0}`;
  await page.evaluate(`localStorage.removeItem("fake push")`);
  await visitAgain("POST");
  const [renewed] = await rings();
  expect(renewed).toMatchObject({ service: "push4.example.com", shows_text: false });

  // The person has removed it on another device.
  await anna.api("DELETE", `${path}/${renewed?.id}`);
  await visitAgain("GET");
  await page.waitForFunction(`localStorage.getItem("gemini-coop-ringing") === null`);
  await page.evaluate(`localStorage.removeItem("fake push")`);
  await visitAgain("GET");
  await page.waitForLoadState("networkidle");
  expect(await rings()).toEqual([]);
  expect(await page.evaluate(`localStorage.getItem("fake push count")`)).toBe("4");

  await page.getByRole("button", { name: "Your settings" }).click();
  await dialog.getByRole("tab", { name: "Notifications" }).click();
  await dialog.getByRole("button", { name: "Ring on this device" }).click();
  await dialog.getByText("This device rings.").waitFor();
  const isRemembered = () => page.evaluate(`localStorage.getItem("gemini-coop-ringing") !== null`);
  expect(await isRemembered()).toBe(true);
  await dialog.getByRole("button", { name: "Remove this device" }).click();
  await dialog.getByRole("button", { name: "Remove: really? this device" }).click();
  await dialog.getByText("The device rings no more.").waitFor();
  // Otherwise a change of the address would have it ring once more.
  expect(await isRemembered()).toBe(false);
  expect(visitor.faults).toEqual([]);
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
