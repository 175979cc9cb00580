// A file that the model cannot read does not cost the room its answer.
import { describe, expect, setDefaultTimeout } from "bun:test";
import { makePng } from "../../attachments/made-files.ts";
import { refuse } from "../../world/gemini/script.ts";
import { useWorld } from "../../world/world.ts";
import { large, makePdf, roomWithFiles } from "./asking-about.ts";
import { longTest, test } from "../../world/long.ts";

setDefaultTimeout(20_000);

/** Its answers wait for no upload. */
const world = useWorld({ durations: { fileWaitMs: 50 } });
const patient = useWorld();
const gemini = () => world.gemini.files;

describe("what the model cannot read is named, and the room gets its answer", () => {
  test("by its type", async () => {
    const { upload, share, ask, receipt } = await roomWithFiles(world);
    await share([await upload(new Uint8Array([80, 75, 3, 4, 0, 0, 0, 0]), { name: "x.zip" })]);
    const { text, parts, messageId, last } = await ask("/bot what is in it?");
    expect(parts).toHaveLength(1);
    expect(text).toContain(
      `[#code the server] The file "x.zip" (application/zip) of the next message cannot be read by you, because files of this type cannot be read.\n`,
    );
    expect(last.status).toBe("complete");
    expect((await receipt(messageId)).files).toMatchObject([
      { name: "x.zip", was_read: false, reason: "files of this type cannot be read" },
    ]);
  });

  test.each([
    ["is refused", () => gemini().meet({ refusal: refuse(400) })],
    ["fails to be processed", () => gemini().meet({ looks: 2, processedAs: "FAILED" })],
    ["is processed for too long", () => gemini().meet({ looks: Infinity })],
    ["hangs", () => gemini().meet({ until: () => new Promise(() => {}) })],
  ])("because its upload %s", async (_, prepare) => {
    const { upload, share, ask } = await roomWithFiles(world);
    await share([await upload(makePdf(2, large))]);
    prepare();
    const { text, uris, last } = await ask("/bot sum it up");
    expect(last.status).toBe("complete");
    expect(uris).toEqual([]);
    expect(text).toContain("cannot be read by you, because it could not be loaded in time");
  });

  longTest("because the model refuses it: it is asked again without files", async () => {
    const { annas, upload, post, receipt } = await roomWithFiles(patient);
    const file = await upload(makePng(5, 5), { name: "broken.png" });
    patient.gemini.respondWith(refuse(400, { message: "Unable to process input image." }));
    await post({ content: "/bot what is it?", attachment_ids: [file.id] });
    const { message_id: id } = await annas.next("bot_stream", {
      is_complete: true,
      status: "complete",
    });
    expect((await receipt(Number(id))).files).toMatchObject([
      { name: "broken.png", was_read: false, reason: "Gemini could not read it" },
    ]);
    expect(JSON.stringify(patient.gemini.requests.at(-1)?.body)).not.toContain("inlineData");
  });
});
