// Voice messages and pictures of people on the page.
import { expect, test } from "bun:test";
import type { Page, Request } from "playwright-core";
import { makePng, makeWav } from "../attachments/made-files.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import { chromiumPath } from "./chromium.ts";
import { usePair } from "./pair.ts";
import { visit } from "./visitor.ts";

const pair = usePair({}, chromiumPath);

/** Settles when an expression is true in the page, whose policy lets Playwright wait for none. */
async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression))) await Bun.sleep(20);
}

async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

/** A sound that can be sought in: the rest of it from the byte that the browser asks for. */
function ranged(request: Request, sound: Buffer) {
  const from = Number(/bytes=(\d+)/.exec(request.headers().range ?? "")?.[1] ?? 0);
  const range = `bytes ${from}-${sound.length - 1}/${sound.length}`;
  const headers = { "content-type": "audio/wav", "content-range": range };
  return { status: 206, headers, body: sound.subarray(from) };
}

const recordButton = (page: Page) => page.getByRole("button", { name: "Record a voice message" });

test("a voice message is recorded by a tap, sent, played, sought in, and shown with what is said", async () => {
  const { annas, bens, leave } = await pair.open();
  await annas.page.context().grantPermissions(["microphone"]);
  await recordButton(annas.page).click();
  const recorder = annas.page.getByRole("group", { name: "Voice message" });
  await recorder.getByRole("timer").getByText("0:02").waitFor();
  await picture(annas.page, "voice-recording");
  pair.world.gemini.respondWith(answer(say("Shall we meet at noon?"), finish()));
  await recorder.getByRole("button", { name: "Send the voice message" }).click();
  for (const { page } of [annas, bens]) {
    const voice = page.getByRole("list", { name: "Files" }).getByRole("group");
    await voice.getByRole("button", { name: "Play the voice message" }).waitFor();
  }
  await pair.world.jobs.idle();
  const voice = bens.page.getByRole("list", { name: "Files" }).getByRole("group");
  await voice.getByText("Shall we meet at noon?").waitFor();
  const slider = voice.getByRole("slider");
  expect(await slider.locator("span").count()).toBe(64);
  const last = Number(await slider.getAttribute("aria-valuemax"));
  expect(last).toBeWithin(2, 20);
  await voice.getByRole("button", { name: "Speed 1" }).click();
  await voice.getByRole("button", { name: "Speed 1.5" }).waitFor();
  await voice.getByRole("button", { name: "Play the voice message" }).click();
  await voice.getByRole("button", { name: "Pause" }).waitFor();
  await until(bens.page, `document.querySelector("audio").playbackRate === 1.5`);
  await until(bens.page, `document.querySelector("audio").currentTime > 0.1`);
  await picture(bens.page, "voice-playing");
  await voice.getByRole("button", { name: "Pause" }).click();
  await slider.press("Home");
  expect(await slider.getAttribute("aria-valuenow")).toBe("0");
  await slider.press("End");
  expect(await slider.getAttribute("aria-valuenow")).toBe(String(last));
  await slider.click({ position: { x: 60, y: 10 } });
  await voice.getByRole("button", { name: "Play the voice message" }).click();
  await until(bens.page, `document.querySelector("audio").currentTime > 0.4`);
  await voice.getByRole("button", { name: "Play the voice message" }).waitFor();
  const phone = await visit(pair.world, pair.browser, {
    as: pair.ben,
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
  });
  await phone.page.goto(bens.page.url());
  await phone.page.getByText("Shall we meet at noon?").waitFor();
  expect(await phone.contentWidth()).toBe(360);
  await picture(phone.page, "voice-phone");
  // The durations of the browser and of the server are never quite the same; here they differ by more than a second.
  await phone.page.route(/\/attachments\/\d+\?ticket=/, (route) =>
    route.fulfill(ranged(route.request(), makeWav(8_000))),
  );
  await phone.page.getByRole("button", { name: "Play the voice message" }).click();
  await until(phone.page, `document.querySelector("audio")?.duration === 1`);
  await phone.page.getByRole("button", { name: "Play the voice message" }).waitFor();
  // The place is drawn anew with the event before it.
  const drawn = phone.page.evaluate(`new Promise((resolve) => {
    const draw = () => requestAnimationFrame(() => requestAnimationFrame(resolve));
    document.querySelector("audio").addEventListener("seeked", draw, { once: true });
  })`);
  await phone.page.getByRole("slider").press("End");
  await drawn;
  expect(await phone.page.getByRole("slider").getAttribute("aria-valuenow")).toBe(String(last));
  await phone.close();
  await leave();
});

test("a button that is held records until it is released, and a discarded recording is not sent", async () => {
  const { annas, leave } = await pair.open();
  await annas.page.context().grantPermissions(["microphone"]);
  const box = await recordButton(annas.page).boundingBox();
  await annas.page.mouse.move((box?.x ?? 0) + 8, (box?.y ?? 0) + 8);
  await annas.page.mouse.down();
  const recorder = annas.page.getByRole("group", { name: "Voice message" });
  await recorder.getByRole("timer").getByText("0:01").waitFor();
  await annas.page.mouse.up();
  const list = annas.page.getByRole("list", { name: "Files" });
  await list.getByRole("slider").waitFor();
  await recordButton(annas.page).click();
  await recorder.getByRole("timer").waitFor();
  await recorder.getByRole("button", { name: "Discard the voice message" }).click();
  await recordButton(annas.page).waitFor();
  expect(await list.count()).toBe(1);
  await leave();
});

test("a microphone that is not allowed is named, and the field for messages comes back", async () => {
  const { annas, leave } = await pair.open();
  await recordButton(annas.page).click();
  const recorder = annas.page.getByRole("group", { name: "Voice message" });
  await recorder.getByText(/microphone is not allowed/).waitFor();
  await recorder.getByRole("button", { name: "Discard the voice message" }).click();
  await annas.composer.waitFor();
  await leave();
});

test("a person chooses a picture, which others see beside messages, in the list and on the card, until it is removed", async () => {
  const { annas, bens, leave } = await pair.open();
  await annas.say("Look at me");
  const file = {
    name: "me.png",
    mimeType: "image/png",
    buffer: makePng(300, 200, { pixels: (x, y) => [x % 256, y, 120] }),
  };
  await annas.page.getByRole("button", { name: "Your settings" }).click();
  const dialog = annas.page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Choose picture" }).waitFor();
  const bad = { name: "me.txt", mimeType: "image/png", buffer: Buffer.from("no picture") };
  await dialog.locator("input[type=file]").setInputFiles(bad);
  await dialog.getByText(/cannot be read/).waitFor();
  expect(annas.faults.splice(0)).toEqual([expect.stringContaining("422")]);
  await dialog.locator("input[type=file]").setInputFiles(file);
  await dialog.getByRole("button", { name: "Change picture" }).waitFor();
  await until(annas.page, `document.querySelector("dialog .avatar img")?.naturalWidth > 0`);
  await picture(annas.page, "picture-settings");
  const row = bens.rows.filter({ hasText: "Look at me" });
  await row.locator(".avatar img").waitFor();
  await row.locator(".avatar").click();
  await bens.page.locator("dialog .card .avatar img").waitFor();
  await picture(bens.page, "picture-card");
  await bens.page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Remove your picture" }).click();
  await dialog.getByRole("button", { name: "Choose picture" }).waitFor();
  await row.locator(".avatar img").waitFor({ state: "detached" });
  await annas.page.keyboard.press("Escape");
  await leave();
});

test("the owner gives a chat a picture, which everybody sees in the list", async () => {
  const { annas, bens, leave } = await pair.open();
  await annas.page.getByRole("button", { name: "Chat settings" }).click();
  const dialog = annas.page.getByRole("dialog");
  await dialog.locator("input[type=file]").setInputFiles({
    name: "physics.png",
    mimeType: "image/png",
    buffer: makePng(100, 100, { pixels: (x, y) => [200, x, y] }),
  });
  await dialog.getByRole("button", { name: "Change picture" }).waitFor();
  for (const { page } of [annas, bens]) {
    await page.locator(".chats a[aria-current=page] .avatar img").waitFor();
  }
  await picture(bens.page, "picture-list");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await leave();
});
