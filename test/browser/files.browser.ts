// Files on the page: chosen, pasted and dropped, shown to somebody else, looked at and downloaded.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { makeGif, makePng, makeWav } from "../attachments/made-files.ts";
import { focused, usePair } from "./pair.ts";
import { visit } from "./visitor.ts";

const pair = usePair();

const photo = (shade: number, [width, height]: [number, number] = [1_600, 1_200]) =>
  makePng(width, height, { pixels: (x, y) => [shade, (x * 255) / width, (y * 255) / height] });
/** Settles when an expression is true in the page, whose policy lets Playwright wait for none. */
async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression))) await Bun.sleep(20);
}
const named = (name: string, mimeType: string, buffer: Buffer) => ({ name, mimeType, buffer });

test("chosen files show their progress, are sent together, and are seen by others", async () => {
  const { annas, bens, leave } = await pair.open();
  await annas.page
    .locator("input[type=file]")
    .setInputFiles([
      named("sunrise.png", "image/png", photo(30)),
      named("report.pdf", "application/pdf", Buffer.from(`%PDF-1.7 ${"x".repeat(3_000)}`)),
      named("beep.wav", "audio/wav", makeWav(8_000)),
      named("unwanted.txt", "text/plain", Buffer.from("unwanted")),
    ]);
  const list = annas.page.getByRole("list", { name: "Files of your message" });
  await list.getByRole("button", { name: "Remove sunrise.png" }).waitFor();
  await list.getByRole("button", { name: /unwanted.txt/ }).click();
  await list.getByRole("button", { name: "Remove beep.wav" }).waitFor();
  expect(await list.getByRole("listitem").count()).toBe(3);
  await annas.composer.fill("What I have brought");
  await annas.composer.press("Enter");
  for (const who of [annas, bens]) {
    const row = who.rows.filter({ hasText: "What I have brought" });
    const picture = row.getByRole("button", { name: "Picture sunrise.png" });
    await picture.locator("img").waitFor();
    await until(
      who.page,
      `[...document.querySelectorAll(".picture img")].every((img) => img.complete && img.naturalWidth > 0)`,
    );
    // The place of the picture is as large before it is loaded.
    const box = await picture.boundingBox();
    expect([Math.round(box?.width ?? 0), Math.round(box?.height ?? 0)]).toEqual([320, 240]);
    await row.getByRole("button", { name: /report.pdf/ }).waitFor();
    await row.getByRole("button", { name: /beep.wav/ }).waitFor();
  }
  expect(await list.isVisible()).toBe(false);
  const row = bens.rows.filter({ hasText: "What I have brought" });
  const [download] = await Promise.all([
    bens.page.waitForEvent("download"),
    row.getByRole("button", { name: /report.pdf/ }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("report.pdf");
  expect(readFileSync(await download.path()).length).toBe(3_009);
  await row.getByRole("button", { name: /beep.wav/ }).click();
  await until(bens.page, `document.querySelector("audio")?.readyState >= 1`);
  await bens.page.screenshot({ path: `${process.env.SHOTS ?? "/tmp"}/files-light.png` });
  await leave();
});

test("removing a file with the keyboard leads back to the field", async () => {
  const { annas, leave } = await pair.open();
  await annas.page
    .locator("input[type=file]")
    .setInputFiles([named("sunrise.png", "image/png", photo(30, [300, 200]))]);
  await annas.page.getByRole("button", { name: "Remove sunrise.png" }).press("Enter");
  await focused(annas, annas.composer);
  await leave();
});

test("the text beside a file can be edited to nothing", async () => {
  const { annas, bens, leave } = await pair.open();
  await annas.page
    .locator("input[type=file]")
    .setInputFiles([named("sunrise.png", "image/png", photo(30, [300, 200]))]);
  await annas.page.getByRole("button", { name: "Remove sunrise.png" }).waitFor();
  await annas.say("A caption");
  const row = bens.rows.filter({
    has: bens.page.getByRole("button", { name: "Picture sunrise.png" }),
  });
  await row.getByText("A caption").waitFor();
  await annas.composer.press("ArrowUp");
  await annas.say("");
  await row.getByText("A caption").waitFor({ state: "detached" });
  await row.getByRole("button", { name: "(edited)" }).click();
  await bens.page.getByRole("dialog").getByText("No text").waitFor();
  expect(await row.count()).toBe(1);
  await leave();
});

test("pictures are looked at with the keyboard, over the page", async () => {
  const { annas, bens, leave } = await pair.open();
  await annas.page
    .locator("input[type=file]")
    .setInputFiles([1, 2, 3].map((n) => named(`${n}.png`, "image/png", photo(n * 60, [300, 200]))));
  await annas.page.getByRole("button", { name: "Remove 3.png" }).waitFor();
  await annas.page.getByRole("button", { name: "Remove 1.png" }).waitFor();
  await annas.page.getByRole("button", { name: "Remove 2.png" }).waitFor();
  await annas.page.getByRole("button", { name: "Send" }).click();
  const first = bens.page.getByRole("button", { name: "Picture 1.png" });
  await first.click();
  const light = bens.page.getByRole("dialog", { name: "1.png" });
  await light.getByText("1 of 3").waitFor();
  await light.getByRole("img", { name: "1.png" }).waitFor();
  await bens.page.keyboard.press("ArrowRight");
  await bens.page.getByRole("dialog", { name: "2.png" }).getByText("2 of 3").waitFor();
  await bens.page.keyboard.press("ArrowRight");
  await bens.page.keyboard.press("ArrowRight");
  const last = bens.page.getByRole("dialog", { name: "3.png" });
  expect(await last.getByRole("button", { name: "Next picture" }).isDisabled()).toBe(true);
  await bens.page.keyboard.press("ArrowLeft");
  await bens.page.getByRole("dialog", { name: "2.png" }).waitFor();
  await bens.page.keyboard.press("Escape");
  await bens.page.getByRole("dialog").waitFor({ state: "hidden" });
  await focused(bens, first);
  await leave();
});

/** Two fingers in the middle of an element, which move from one distance to another. */
const pinch = (selector: string, from: number, to: number) => `(() => {
  const place = document.querySelector("${selector}");
  // Pointers that are made by a script cannot be captured.
  place.setPointerCapture = () => {};
  const { left, top, width, height } = place.getBoundingClientRect();
  const send = (type, pointerId, away) => place.dispatchEvent(new PointerEvent(type, {
    pointerId, bubbles: true, clientX: left + width / 2 + away, clientY: top + height / 2,
  }));
  send("pointerdown", 11, ${-from} / 2);
  send("pointerdown", 12, ${from} / 2);
  send("pointermove", 11, ${-to} / 2);
  send("pointermove", 12, ${to} / 2);
  send("pointerup", 11, 0);
  send("pointerup", 12, 0);
})()`;

test("a picture is enlarged by two fingers and by a double click, and is whole again", async () => {
  const { annas, leave } = await pair.open();
  await annas.page
    .locator("input[type=file]")
    .setInputFiles([named("wide.png", "image/png", photo(90, [300, 200]))]);
  await annas.page.getByRole("button", { name: "Remove wide.png" }).waitFor();
  await annas.page.getByRole("button", { name: "Send" }).click();
  await annas.page.getByRole("button", { name: "Picture wide.png" }).click();
  const image = annas.page.getByRole("dialog").getByRole("img", { name: "wide.png" });
  await image.waitFor();
  const { width: before = 0 } = (await image.boundingBox()) ?? {};
  await annas.page.evaluate(pinch(".pinch", 100, 300));
  await annas.page.locator(".pinch.enlarged").waitFor();
  const { width: after = 0 } = (await image.boundingBox()) ?? {};
  expect(after / before).toBeWithin(2.5, 3.5);
  await annas.page.evaluate(pinch(".pinch", 300, 50));
  await annas.page.locator(".pinch:not(.enlarged)").waitFor();
  await image.dblclick();
  await annas.page.locator(".pinch.enlarged").waitFor();
  await image.dblclick();
  await annas.page.locator(".pinch:not(.enlarged)").waitFor();
  await annas.page.locator(".pinch").click({ position: { x: 3, y: 3 } });
  await annas.page.getByRole("dialog").waitFor({ state: "hidden" });
  await leave();
});

/** Gives the page files as a paste or a drop does. */
const give = (type: "paste" | "drop", target: string, gif: string) => `(() => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob("${gif}"), (character) => character.charCodeAt(0));
  transfer.items.add(new File([bytes], "${type}.gif", { type: "image/gif" }));
  const element = document.querySelector("${target}");
  const event = "${type}" === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  element.dispatchEvent(event);
})()`;

test("files are pasted and dropped, and a message of files alone is sent", async () => {
  const { annas, bens, leave } = await pair.open();
  const gif = makeGif(2).toString("base64");
  await annas.page.evaluate(give("paste", ".composer textarea", gif));
  await annas.page.getByRole("button", { name: "Remove paste.gif" }).waitFor();
  await annas.page.evaluate(give("drop", ".messages", gif));
  await annas.page.getByRole("button", { name: "Remove drop.gif" }).waitFor();
  await annas.composer.press("Enter");
  await bens.page.getByRole("button", { name: "Picture paste.gif" }).waitFor();
  await bens.page.getByRole("button", { name: "Picture drop.gif" }).waitFor();
  await leave();
});

test("an upload whose server refuses it says why, and a picture that is gone is shown as such", async () => {
  const { annas, bens, chat, leave } = await pair.open();
  await annas.page.route("**/uploads", (route) =>
    route.fulfill({
      status: 429,
      contentType: "application/problem+json",
      body: JSON.stringify({ type: "/problems/quota_exceeded", detail: "Too many bytes today." }),
    }),
  );
  const input = annas.page.locator("input[type=file]");
  await input.setInputFiles([named("a.png", "image/png", makePng(30, 30))]);
  await annas.page.getByText("Too many bytes today.").waitFor();
  expect(await annas.page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
  await annas.page.unroute("**/uploads");
  await annas.page.getByRole("button", { name: "Try again" }).click();
  await annas.page.getByRole("button", { name: "Remove a.png" }).waitFor();
  await annas.composer.press("Enter");
  await bens.page.getByRole("button", { name: "Picture a.png" }).locator("img").waitFor();
  await pair.world.sql`update messages set attachments = attachments where chat_id = ${chat.id}`;
  await pair.world.sql`delete from attachments where chat_id = ${chat.id}`;
  const late = await visit(pair.world, pair.browser, { as: pair.ben, chatId: chat.id });
  await late.page.getByText("This picture can't be loaded").waitFor();
  await late.close();
  annas.faults.splice(0);
  await leave();
});

test("an empty file is refused in words, without another try, and does not keep others from being sent once removed", async () => {
  const { annas, bens, leave } = await pair.open();
  const files = annas.page.getByRole("list", { name: "Files of your message" });
  await annas.page
    .locator("input[type=file]")
    .setInputFiles([
      named("empty.txt", "text/plain", Buffer.alloc(0)),
      named("a.png", "image/png", makePng(30, 30)),
    ]);
  await files.getByText("The file is empty.").waitFor();
  expect(await files.getByRole("button", { name: "Try again" }).count()).toBe(0);
  await files.getByRole("button", { name: "Cancel empty.txt" }).click();
  await files.getByRole("button", { name: "Remove a.png" }).waitFor();
  await annas.composer.press("Enter");
  await bens.page.getByRole("button", { name: "Picture a.png" }).waitFor();
  await leave();
});

test("on a phone nothing is wider than the screen", async () => {
  const { annas, chat, leave } = await pair.open();
  await annas.page
    .locator("input[type=file]")
    .setInputFiles([
      named(`${"a very long name ".repeat(8)}.png`, "image/png", photo(90, [2_000, 500])),
      named(
        `${"anotherverylongname".repeat(8)}.zip`,
        "application/zip",
        Buffer.from("PK\u0003\u0004"),
      ),
    ]);
  await annas.page.getByRole("button", { name: /^Remove a very/ }).waitFor();
  await annas.page.getByRole("button", { name: /^Remove another/ }).waitFor();
  await annas.composer.press("Enter");
  const phone = await visit(pair.world, pair.browser, {
    as: pair.ben,
    chatId: chat.id,
    colorScheme: "dark",
  });
  await phone.page.setViewportSize({ width: 360, height: 700 });
  await phone.page.locator(".picture img").waitFor();
  expect(await phone.contentWidth()).toBe(360);
  await phone.page
    .locator("input[type=file]")
    .setInputFiles([named("photo.png", "image/png", photo(200, [400, 300]))]);
  await phone.page.getByRole("button", { name: "Remove photo.png" }).waitFor();
  expect(await phone.contentWidth()).toBe(360);
  await phone.page.screenshot({ path: `${process.env.SHOTS ?? "/tmp"}/files-phone.png` });
  await phone.close();
  await leave();
});
