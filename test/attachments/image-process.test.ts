// The process that decodes images: what becomes of an image that ends or stops it, and what it has of its server.
import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { pino } from "pino";
import { Images } from "../../src/attachments/images/images.ts";
import type { ImageSource } from "../../src/attachments/images/image-process.ts";
import { bothTest, everyNth, test } from "../world/long.ts";
import { exifSegment, makeJpeg, makePng } from "./made-files.ts";

const log = pino({ enabled: false });

function sourceOf(bytes: Uint8Array<ArrayBuffer>): ImageSource {
  return { size: bytes.length, read: async () => new Blob([bytes]).stream() };
}

const photo = async () => new Uint8Array(await makeJpeg(makePng(64, 48)));

async function prepared(images: Images) {
  return await images.prepare("image/jpeg", sourceOf(await photo()), async ({ reply, bare }) => {
    for await (const chunk of bare ?? []) expect(chunk.length).toBeGreaterThan(0);
    return reply.shown;
  });
}

/** The processes that this one has started for images. */
function imageProcesses(): number[] {
  const tasks = readdirSync("/proc/self/task");
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean),
  );
  const isForImages = (pid: string) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("image-program");
  return children.filter(isForImages).map(Number);
}

test("an image that ends the process is refused, and its error is not taken for one of the server", async () => {
  const images = new Images(log, { command: ["sh", "-c", "head -c 10 > /dev/null; exit 3"] });
  expect(await prepared(images).catch((error: unknown) => error)).toMatchObject({
    code: "invalid",
  });
});

test("an image that takes too long is refused for now, and the next one has another process", async () => {
  const images = new Images(log, { command: ["sleep", "60"], timeoutMs: 30 });
  for (let n = 0; n < 2; n += 1) {
    expect(await prepared(images).catch((error: unknown) => error)).toMatchObject({
      code: "unavailable",
    });
  }
});

test("an image that has waited for too long is refused for now", async () => {
  const images = new Images(log, { waitMs: -1 });
  expect(await prepared(images).catch((error: unknown) => error)).toMatchObject({
    code: "unavailable",
  });
});

test("a reply that is none of the program is an error, and nothing is kept of it", async () => {
  const images = new Images(log, { command: ["sh", "-c", 'echo "{}"; sleep 60'] });
  expect(await prepared(images).catch((error: unknown) => error)).toBeInstanceOf(Error);
});

test("when an image cannot be stored, the next one is not answered with the rest of it", async () => {
  const images = new Images(log);
  const full = images.prepare("image/jpeg", sourceOf(await photo()), async () => {
    throw new Error("the store is full");
  });
  expect(await full.catch((error: unknown) => error)).toMatchObject({
    message: "the store is full",
  });
  expect(await prepared(images)).toMatchObject({ width: 64, height: 48 });
});

test("the process has the lowest priority, and no settings of its server", async () => {
  const before = imageProcesses();
  const images = new Images(log);
  await prepared(images);
  const [pid] = imageProcesses().filter((each) => !before.includes(each));
  expect(pid).toBeDefined();
  const priorities = readdirSync(`/proc/${pid}/task`).map((task) => {
    const [, after = ""] = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8").split(") ");
    return after.split(" ")[16];
  });
  expect(new Set(priorities)).toEqual(new Set(["19"]));
  expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toBe("");
  expect(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8").trim()).toBe("1000");
});

test("the process ends when no image has come for a while", async () => {
  const before = imageProcesses();
  const images = new Images(log, { idleMs: 1 });
  await prepared(images);
  while (imageProcesses().some((each) => !before.includes(each))) await Bun.sleep(5);
});

const memoryMax = 200_000_000;
const large = {
  progressive: () => makeJpeg(makePng(7000, 5000), { progressive: true }),
  tooLargeProgressive: () => makeJpeg(makePng(8000, 6000), { progressive: true }),
  turned: () => makeJpeg(makePng(6000, 4000), { segments: [exifSegment(6)] }),
  turnedProgressive: () =>
    makeJpeg(makePng(4800, 3000), { progressive: true, segments: [exifSegment(6)] }),
  webp: () => new Bun.Image(makePng(4500, 3200)).webp({ lossless: true }).buffer(),
  tooLargeWebp: () => new Bun.Image(makePng(6000, 4000)).webp({ lossless: true }).buffer(),
};

const largeImages = [
  ["a PNG of 24 million pixels", "image/png", () => makePng(6000, 4000), 6000],
  ["a progressive JPEG of 35 million pixels", "image/jpeg", large.progressive, 7000],
  ["a progressive JPEG of 48 million pixels", "image/jpeg", large.tooLargeProgressive, undefined],
  ["a JPEG of 24 million pixels that has to be turned", "image/jpeg", large.turned, 4000],
  [
    "a progressive JPEG of 14 million pixels that has to be turned",
    "image/jpeg",
    large.turnedProgressive,
    3000,
  ],
  ["a WebP without loss, of 14 million pixels", "image/webp", large.webp, 4500],
  ["a WebP without loss, of 24 million pixels", "image/webp", large.tooLargeWebp, undefined],
] as const;

bothTest.each(everyNth(7, largeImages))(
  "the process takes at most 200 MB for %s",
  async (_, mediaType, make, width) => {
    const before = imageProcesses();
    const images = new Images(log);
    const bytes = new Uint8Array(await make());
    const shown = await images.prepare(mediaType, sourceOf(bytes), async ({ reply, bare }) => {
      for await (const chunk of bare ?? []) expect(chunk.length).toBeGreaterThan(0);
      return reply.shown;
    });
    expect(shown?.width).toBe(width);
    const [pid] = imageProcesses().filter((each) => !before.includes(each));
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const peakBytes = 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
    expect(peakBytes).toBeLessThan(memoryMax);
  },
  60_000,
);
