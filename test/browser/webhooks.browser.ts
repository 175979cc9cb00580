// Webhooks of a chat and of a person in the page.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { WebhookReceiver } from "../world/webhook-receiver.ts";
import { startWorld, type World } from "../world/world.ts";
import { launchChromium, visit } from "./visitor.ts";

let world: World;
let browser: Browser;
const receiver = new WebhookReceiver();
beforeAll(async () => {
  world = await startWorld({
    env: { WEBHOOK_ALLOW: "127.0.0.1" },
    durations: { webhookMs: 50, webhookRetryMs: [1] },
  });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await world.stop();
  await receiver.stop();
});

test("the owner of a chat creates a webhook, tries it, looks at what it was told, and deletes it", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat({ name: "Physics" });
  const { url, path } = receiver.path();
  const visitor = await visit(world, browser, { as: anna, chatId: chat.id });
  const { page } = visitor;
  await page.getByRole("button", { name: "Chat settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Chat settings" });
  await dialog.getByText("Webhooks", { exact: true }).click();
  await dialog.getByText("There are no webhooks.").waitFor();
  const form = dialog.getByRole("form", { name: "New webhook" });
  await form.getByLabel("Address of the webhook").fill("http://169.254.169.254/latest");
  await form.getByLabel(/message\.created/).check();
  await form.getByRole("button", { name: "Create webhook" }).click();
  await dialog.getByText("The address is not a public one.").waitFor();
  await form.getByLabel("Address of the webhook").fill(url);
  await form.getByRole("button", { name: "Create webhook" }).click();
  const secret = await dialog.getByLabel(/The secret of/).inputValue();
  receiver.secrets.set(path, secret);

  await anna.say(chat.id, "hello");
  const item = dialog.getByRole("region", { name: url });
  await item.getByRole("button", { name: "Send a test" }).click();
  await dialog.getByText("A test is on its way.").waitFor();
  await item.getByText("Deliveries").click();
  const list = item.getByRole("list", { name: "Deliveries" });
  for (;;) {
    await item.getByRole("button", { name: "Look again" }).click();
    if ((await list.getByText("delivered").count()) === 2) break;
  }
  expect(receiver.at(path).map(({ isVerified }) => isVerified)).toEqual([true, true]);
  await item.getByRole("button", { name: /Send again message\.created/ }).click();
  await dialog.getByText("It is sent again.").waitFor();
  await item.getByRole("button", { name: "Turn off" }).click();
  await dialog.getByText("The webhook is off.").waitFor();
  await item.getByRole("button", { name: "Turn on" }).waitFor();
  await item.getByRole("button", { name: "Delete the webhook" }).click();
  await item.getByRole("button", { name: "Delete: really?" }).click();
  await dialog.getByText("There are no webhooks.").waitFor();
  // The browser's own words about the refused form.
  expect(visitor.faults.filter((fault) => !fault.includes("422"))).toEqual([]);
  await visitor.close();
});

test("a person creates a webhook in the settings, and replaces its secret", async () => {
  const ben = await world.person("ben");
  const { url } = receiver.path();
  const visitor = await visit(world, browser, { as: ben });
  const { page } = visitor;
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: "Webhooks" }).click();
  const form = dialog.getByRole("form", { name: "New webhook" });
  await form.getByLabel("Address of the webhook").fill(url);
  await form.getByLabel(/mention/).check();
  await form.getByRole("button", { name: "Create webhook" }).click();
  const shown = dialog.getByLabel(/The secret of/);
  const first = await shown.inputValue();
  await dialog.getByRole("button", { name: "New secret for" }).click();
  await dialog.getByRole("button", { name: "New secret: really?" }).click();
  await dialog.getByText("The secret before works for another day.").waitFor();
  expect(await shown.inputValue()).not.toBe(first);
  expect(await shown.inputValue()).toStartWith("whsec_");
  expect(visitor.faults).toEqual([]);
  await visitor.close();
});
