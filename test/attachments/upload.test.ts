import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { expectProblem } from "../http/refusals.ts";
import { useWorld } from "../world/world.ts";
import { ask, download, sha256, uploaded, uploadPath } from "./files.ts";

const world = useWorld({
  env: { FILE_BYTES_MAX: String(3 * 1024 * 1024) },
  durations: { purgeMs: 5 },
});

const text = "Minutes of the meeting\n";

/** The names of the files in the store. */
function filesInStore(): string[] {
  return readdirSync(`${world.config.dataDir}/files`, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.split("/").length === 3,
  );
}

async function chatOfTwo() {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const { id: chatId } = await ann.chat({ with: [ben] });
  return { ann, ben, chatId };
}

describe("an upload", () => {
  test("of a raw body is downloaded with the same bytes once a message has it", async () => {
    const { ann, ben, chatId } = await chatOfTwo();
    const attachment = await uploaded(world, ann, chatId, text, { name: "minutes.txt" });
    expect(attachment).toEqual({
      id: attachment.id,
      name: "minutes.txt",
      media_type: "text/plain",
      kind: "file",
      size: text.length,
      sha256: sha256(text),
      url: `/api/chats/${chatId}/attachments/${attachment.id}`,
      status: "ready",
    });
    expect((await download(world, ben, attachment.url)).status).toBe(404);
    const message = await ann.api("POST", `/api/chats/${chatId}/messages`, {
      content: "",
      attachment_ids: [attachment.id],
    });
    expect(message.body).toMatchObject({ content: "", attachments: [attachment] });
    const { status, bytes, headers } = await download(world, ben, attachment.url);
    expect([status, new TextDecoder().decode(bytes)]).toEqual([200, text]);
    expect(headers.get("content-disposition")).toBe('attachment; filename="minutes.txt"');
    expect(headers.get("content-security-policy")).toStartWith("sandbox; default-src 'none'");
  });

  test("of two megabytes in chunks arrives whole", async () => {
    const { ann, chatId } = await chatOfTwo();
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    let left = 35;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left-- === 0) controller.close();
        else controller.enqueue(bytes);
      },
    });
    const whole = Buffer.concat(Array.from({ length: 35 }, () => bytes));
    const attachment = await uploaded(world, ann, chatId, body);
    expect(attachment).toMatchObject({ size: whole.length, sha256: sha256(whole) });
    const { bytes: got } = await download(world, ann, attachment.url);
    expect(sha256(got)).toBe(sha256(whole));
  });

  test("of a form takes its first file, whatever is around it", async () => {
    const { ann, chatId } = await chatOfTwo();
    const bytes = crypto.getRandomValues(new Uint8Array(500_000));
    const form = new FormData();
    form.set("comment", "a field");
    form.set("file", new Blob([bytes]), 'Ünï "quoted".bin');
    form.set("after", "another field");
    const answer = await ask(world, ann, "POST", uploadPath(chatId), { body: form });
    expect(answer.body).toMatchObject({
      name: "Ünï _quoted_.bin",
      size: bytes.length,
      sha256: sha256(bytes),
    });
  });

  test("of the same bytes is stored once in a chat, and again in another", async () => {
    const { ann, ben, chatId } = await chatOfTwo();
    const other = await ann.chat();
    const bytes = crypto.getRandomValues(new Uint8Array(1_000));
    const first = await uploaded(world, ann, chatId, bytes, { name: "a.bin" });
    const before = filesInStore().length;
    const second = await uploaded(world, ben, chatId, bytes, { name: "b.bin" });
    expect(second).toMatchObject({ name: "b.bin", sha256: first.sha256 });
    expect(second.id).not.toBe(first.id);
    while (filesInStore().length > before) await Bun.sleep(1);
    await uploaded(world, ann, other.id, bytes);
    expect(filesInStore().length).toBe(before + 1);
  });

  test("with a client_id is idempotent, and refused for other bytes", async () => {
    const { ann, chatId } = await chatOfTwo();
    const sent = { name: "a.txt", clientId: "once" };
    const all = await Promise.all(
      Array.from({ length: 5 }, () => uploaded(world, ann, chatId, text, sent)),
    );
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    const other = await ask(world, ann, "POST", uploadPath(chatId, sent), { body: "other" });
    expectProblem(other, 409, "client_id_reused");
  });
});

describe("an upload is refused", () => {
  const refusals: [
    string,
    { body?: Bun.BodyInit; headers?: Record<string, string> },
    number,
    string,
  ][] = [
    ["without a byte", { body: "" }, 422, "invalid"],
    ["above the limit", { body: new Uint8Array(3 * 1024 * 1024 + 1) }, 413, "too_large"],
    [
      "above the limit in chunks",
      { body: new Blob([new Uint8Array(3 * 1024 * 1024 + 1)]).stream() },
      413,
      "too_large",
    ],
    [
      "as an urlencoded form",
      { body: new URLSearchParams({ a: "b" }) },
      415,
      "unsupported_media_type",
    ],
    [
      "as a form without a boundary",
      { body: "x", headers: { "content-type": "multipart/form-data" } },
      415,
      "unsupported_media_type",
    ],
    [
      "as a form without a file",
      {
        body: "--x\r\ncontent-disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n",
        headers: { "content-type": "multipart/form-data; boundary=x" },
      },
      415,
      "unsupported_media_type",
    ],
    [
      "as a form that is cut off",
      {
        body: "--x\r\ncontent-disposition: form-data; name=a; filename=b\r\n\r\nb\r\n",
        headers: { "content-type": "multipart/form-data; boundary=x" },
      },
      400,
      "bad_request",
    ],
  ];
  test.each(refusals)("%s, and nothing stays of it", async (_, sent, status, code) => {
    const { ann, chatId } = await chatOfTwo();
    const answer = await ask(world, ann, "POST", uploadPath(chatId), sent);
    expectProblem(answer, status, code);
    const rows = await world.sql`select from attachments where chat_id = ${chatId}`;
    expect(rows.length).toBe(0);
  });
});
