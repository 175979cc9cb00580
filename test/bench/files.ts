// Files that are uploaded and downloaded.
import { deflateSync } from "node:zlib";
import { check, type Bench, type Side } from "./bench.ts";
import { quantile } from "./client.ts";
import { tokenOf } from "./data.ts";
import { growthDuring } from "./exporting.ts";
import { startProgram } from "./program.ts";

const downloads = 4;

/** Server CPU of one upload, whose bytes are others each time. @returns milliseconds */
export async function cpuOfUpload(bench: Bench, side: Side): Promise<number> {
  const { fileBytes } = bench.scale;
  const target = await targetOf(bench, side);
  const before = await bench[side].cpuMicros();
  check("uploaded bytes", (await upload(target, randomFile(fileBytes))).size, fileBytes);
  return ((await bench[side].cpuMicros()) - before) / 1_000;
}

/** Server CPU of one download. @returns milliseconds */
export async function cpuOfDownload(bench: Bench, side: Side): Promise<number> {
  const { fileBytes } = bench.scale;
  const target = await targetOf(bench, side);
  const { url } = await upload(target, randomFile(fileBytes));
  const before = await bench[side].cpuMicros();
  for (let n = 0; n < downloads; n += 1) {
    const response = await fetch(target.base + url, { headers: target.headers });
    let bytes = 0;
    for await (const chunk of response.body ?? []) bytes += chunk.length;
    check("downloaded bytes", bytes, fileBytes);
  }
  return ((await bench[side].cpuMicros()) - before) / 1_000 / downloads;
}

/** Uploads that run at once while the server's memory is watched. */
export const uploadsAtOnce = 50;

/** @returns megabytes by which the server grows while large files are uploaded at once, garbage included */
export async function memoryOfUploads(bench: Bench): Promise<number> {
  const target = await targetOf(bench, "product");
  return await growthDuring(bench, async () => {
    await Promise.all(
      Array.from({ length: uploadsAtOnce }, async () => {
        const body = randomStream(bench.scale.fileBytes);
        const response = await fetch(target.uploads, {
          ...{ method: "POST", headers: target.headers, body, duplex: "half" },
        });
        check("status of an upload", response.status, 200);
        await response.arrayBuffer();
      }),
    );
  });
}

/** Bytes that no other file has, as they are asked for. */
function randomStream(bytes: number): ReadableStream<Uint8Array> {
  const piece = crypto.getRandomValues(new Uint8Array(65_536));
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const chunk = piece.slice(0, left);
      left -= chunk.length;
      controller.enqueue(chunk);
    },
  });
}

/** Server CPU of an upload of a photo, with its thumbnails. @returns milliseconds */
export async function cpuOfPhoto(bench: Bench): Promise<number> {
  const { photoWidth } = bench.scale;
  const target = await targetOf(bench, "product");
  const photo = await makePhoto(photoWidth, (photoWidth * 3) / 4);
  const before = await bench.product.cpuMicros();
  const { thumbnails } = await upload(target, photo);
  check("thumbnails", thumbnails?.length ?? 0, 2);
  return ((await bench.product.cpuMicros()) - before) / 1_000;
}

/** Photos that are uploaded at once while messages are timed. */
const photosAtOnce = 20;
const messagesMin = 200;
/** Between the beginnings of two messages, in milliseconds. */
const messageEveryMs = 10;

/**
 * @param beside what happens meanwhile: photos are uploaded, another process computes, or nothing
 * @param side the reference reads the photos and drops them; its messages are timed for as long as the product takes for the photos
 * @returns milliseconds that 99 of 100 messages take at most
 */
export async function p99OfMessages(
  bench: Bench,
  beside: "photos" | "computing" | "nothing",
  side: Side = "product",
): Promise<number> {
  const { photoWidth, computingMs } = bench.scale;
  const target = await targetOf(bench, side);
  const photo = await makePhoto(photoWidth, (photoWidth * 3) / 4);
  let isBusy = true;
  const running: Promise<void>[] = [];
  if (beside === "photos") {
    const { photos, headers } = target;
    const program = [
      "uploader.ts",
      photos,
      headers.authorization ?? "",
      `${photosAtOnce}`,
    ] as const;
    const uploader = await startProgram(bench.cleanup, program, photo);
    running.push(uploader.begin().then(() => uploader.end()));
  }
  if (beside === "computing") running.push(compute(bench));
  if (side === "reference") running.push(Bun.sleep(computingMs));
  const ended = Promise.all(running);
  void ended.finally(() => (isBusy = false));
  const times: Promise<number>[] = [];
  while (isBusy || times.length < messagesMin) {
    times.push(timeOfMessage(target, times.length));
    await Bun.sleep(messageEveryMs);
  }
  await ended;
  return quantile(await Promise.all(times), 0.99);
}

/** Computes in a process of the lowest priority, as the server's process for images does, and touches nothing else. */
async function compute({ cleanup, scale }: Bench): Promise<void> {
  const program = `const end = Date.now() + ${scale.computingMs}; while (Date.now() < end);`;
  const child = Bun.spawn(["nice", "-n", "19", process.execPath, "-e", program]);
  cleanup.add(async () => child.kill());
  check("exit code of the computing", await child.exited, 0);
}

async function timeOfMessage({ messages, headers }: Target, n: number): Promise<number> {
  const began = performance.now();
  const response = await fetch(messages, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ content: `message ${n}` }),
  });
  await response.arrayBuffer();
  check("status of a message", response.status, 200);
  return performance.now() - began;
}

interface Target {
  /** Before the address that an upload returns. */
  base: string;
  uploads: string;
  /** Where photos are uploaded while messages are timed. */
  photos: string;
  messages: string;
  headers: Record<string, string>;
}

async function targetOf(bench: Bench, side: Side): Promise<Target> {
  const base = bench[side].url;
  if (side === "reference") {
    const urls = {
      uploads: `${base}/files`,
      photos: `${base}/dropped`,
      messages: `${base}/message`,
    };
    return { base, ...urls, headers: {} };
  }
  const headers = { authorization: `Bearer ${await tokenOf(1, bench.secretKey)}` };
  const response = await fetch(`${base}/api/chats`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ is_group: true, name: "files" }),
  });
  const chat = Object(await response.json());
  const uploads = `${base}/api/chats/${chat.id}/attachments`;
  return {
    base,
    uploads,
    photos: uploads,
    messages: `${base}/api/chats/${chat.id}/messages`,
    headers,
  };
}

async function upload({ uploads, headers }: Target, body: Uint8Array<ArrayBuffer>) {
  const response = await fetch(uploads, { method: "POST", headers, body });
  check("status of an upload", response.status, 200);
  const file: { size: number; url: string; thumbnails?: unknown[] } = Object(await response.json());
  return file;
}

function randomFile(bytes: number): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) {
    crypto.getRandomValues(file.subarray(at, Math.min(at + 65_536, bytes)));
  }
  return file;
}

/** A photo that no other has the bytes of. */
async function makePhoto(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const rows = Buffer.alloc((1 + width * 3) * height);
  const shade = Math.floor(Math.random() * 255);
  for (let at = 0; at < rows.length; at += 1) {
    rows[at] = at % (1 + width * 3) === 0 ? 0 : (at * 7 + (at >> 12) + shade) & 255;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    checksum.writeUInt32BE(Bun.hash.crc32(body));
    return Buffer.concat([length, body, checksum]);
  };
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const data = chunk("IDAT", deflateSync(rows, { level: 1 }));
  const png = Buffer.concat([
    signature,
    chunk("IHDR", header),
    data,
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return new Uint8Array(await new Bun.Image(new Uint8Array(png)).jpeg({ quality: 90 }).bytes());
}
