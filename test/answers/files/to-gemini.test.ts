// The files of a room go to the model with a question: small ones inside the request, larger ones by the Files API.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { makeGif, makePng } from "../../attachments/made-files.ts";
import { useWorld } from "../../world/world.ts";
import { large, makePdf, roomWithFiles } from "./asking-about.ts";

setDefaultTimeout(20_000);

const world = useWorld();
const gemini = () => world.gemini.files;

describe("a file", () => {
  test("stands before the text of its message, behind a line that names it", async () => {
    const { upload, ask } = await roomWithFiles(world);
    const png = makePng(20, 10);
    const photo = await upload(png, { name: "a “photo”.png" });
    const asked = await ask("/bot what is wrong in this photo?", { attachment_ids: [photo.id] });
    expect(asked.parts).toHaveLength(3);
    expect(asked.parts[0]?.text).toMatch(
      /^\[#\w+ the server\] The file "a “photo”.png" \(image\/png\) of the next message stands here:\n$/,
    );
    expect(asked.inline[0]).toEqual({ mimeType: "image/png", data: png.toString("base64") });
    expect(asked.parts[2]?.text).toMatch(/^\[#\w+ anna\d+\] what is wrong in this photo\?$/);
    expect(gemini().uploaded).toEqual([]);
  });

  test("of an earlier message goes along, and the receipt lists it until it is deleted", async () => {
    const { anna, chat, upload, share, ask, receipt } = await roomWithFiles(world);
    const file = await upload("some notes", { name: "notes.txt" });
    const message = await share([file]);
    const { inline, messageId } = await ask("/bot what do the notes say?");
    expect(inline).toEqual([
      { mimeType: "text/plain", data: Buffer.from("some notes").toString("base64") },
    ]);
    const entry = { attachment_id: file.id, message_id: message.id, was_read: true, reason: null };
    expect((await receipt(messageId)).files).toEqual([
      { ...entry, name: "notes.txt", media_type: "text/plain" },
    ]);
    await anna.api("DELETE", `/api/chats/${chat.id}/messages/${message.id}`);
    expect(await receipt(messageId)).toMatchObject({
      files: [{ ...entry, name: null, media_type: null }],
      changed: true,
    });
    expect((await ask("/bot and now?")).inline).toEqual([]);
  });

  test("that is large is uploaded once, also for another server and another question", async () => {
    const { chat, anna, upload, share, ask } = await roomWithFiles(world);
    await share([await upload(makePdf(3, large))]);
    const before = gemini().uploaded.length;
    const first = await ask("/bot sum it up");
    expect(first.uris).toHaveLength(1);
    expect(first.parts.find(({ fileData }) => fileData)?.fileData?.mimeType).toBe(
      "application/pdf",
    );
    expect((await ask("/bot and again")).uris).toEqual(first.uris);
    const other = world.startAnother();
    const question = await fetch(`${other.url}/api/chats/${chat.id}/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${anna.token}`, "content-type": "application/json" },
      body: JSON.stringify({ content: "/bot elsewhere?" }),
    });
    expect(question.status).toBe(200);
    const request = await world.gemini.received(world.gemini.requests.length);
    expect(JSON.stringify(request.body)).toContain(String(first.uris[0]));
    expect(gemini().uploaded.length).toBe(before + 1);
  });

  test("that was shared long ago is uploaded again, whether or not its expiry was known", async () => {
    const { chat, upload, share, ask } = await roomWithFiles(world);
    await share([await upload(makePdf(3, large))]);
    const first = await ask("/bot one?");
    gemini().expireAll();
    const second = await ask("/bot two?");
    expect(second.last.status).toBe("complete");
    expect(second.uris).toHaveLength(1);
    expect(second.uris).not.toEqual(first.uris);
    await world.sql`
      update model_files set expires_at = now() + interval '1 minute'
      where file_id in (select id from stored_files where chat_id = ${chat.id})
    `;
    const third = await ask("/bot three?");
    expect(third.uris).toHaveLength(1);
    expect(third.uris).not.toEqual(second.uris);
  });
});

test("an animated GIF is sent as its still picture", async () => {
  const { upload, ask } = await roomWithFiles(world);
  const file = await upload(makeGif(2, { width: 40, height: 30 }), { name: "a.gif" });
  const { inline } = await ask("/bot what is it?", { attachment_ids: [file.id] });
  expect(inline.map(({ mimeType }) => mimeType)).toEqual(["image/webp"]);
});

describe("a question without words", () => {
  test("is about its files", async () => {
    const { upload, ask } = await roomWithFiles(world);
    const file = await upload("notes", { name: "notes.txt" });
    const { text, inline } = await ask("/bot", { attachment_ids: [file.id] });
    expect(inline).toHaveLength(1);
    expect(text).toContain("The last message asks about its files without words");
  });

  test("is about the message that it replies to, however long ago that was", async () => {
    const { upload, share, ask } = await roomWithFiles(world);
    const { id } = await share([await upload("RIFF....WAVEfmt ", { name: "voice.wav" })], "");
    const { text, inline } = await ask("/bot", { reply_to: id });
    expect(inline).toHaveLength(1);
    expect(text).toContain("The last message asks about the message that it replies to");
    expect(text).toContain("which is quoted here:\n> (no text)");
  });
});
