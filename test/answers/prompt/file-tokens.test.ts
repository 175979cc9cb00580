// How the model reads a file, and the tokens that it counts for it.
import { describe, expect, test } from "bun:test";
import { readableOf } from "../../../src/answers/prompt/file-tokens.ts";

const megabyte = 1024 * 1024;

function file(media_type: string, more: Partial<Parameters<typeof readableOf>[0]> = {}) {
  const sizes = { width: null, height: null, units: null, has_preview: false };
  return readableOf({ id: 1, name: "x", media_type, size: 1_000, ...sizes, ...more });
}

describe("the tokens are those that Google documents", () => {
  test.each([
    ["a small image", file("image/png", { width: 384, height: 384 }), 258, 1_120],
    ["an image of several squares", file("image/jpeg", { width: 1_537, height: 768 }), 774, 1_120],
    ["a photo", file("image/jpeg", { width: 4_000, height: 3_000 }), 6_192, 6_192],
    ["a PDF", file("application/pdf", { units: 10 }), 2_580, 5_600],
    ["a minute of speech", file("audio/ogg", { units: 60 }), 1_920, 1_920],
    ["a minute of video", file("video/mp4", { units: 60 }), 17_700, 18_000],
    ["a text", file("text/plain", { size: 300 }), 100, 300],
  ])("%s", (_, read, estimated, most) => {
    expect(read).toMatchObject({ tokens: { estimated, most } });
  });

  test("the most is never below the estimate, whatever is known of a file", () => {
    for (const type of [
      "image/png",
      "image/gif",
      "application/pdf",
      "audio/mpeg",
      "video/mp4",
      "text/csv",
    ]) {
      for (const size of [1, 5_000, megabyte, 40 * megabyte]) {
        for (const units of [null, 0, 3]) {
          const read = file(type, { size, units, has_preview: true });
          if ("reason" in read) continue;
          expect(read.tokens.most).toBeGreaterThanOrEqual(read.tokens.estimated);
          expect(read.tokens.estimated).toBeGreaterThan(0);
        }
      }
    }
  });
});

describe("a file is not read, with the reason", () => {
  test.each([
    ["of another type", file("application/zip"), "files of this type cannot be read"],
    ["of no known type", file("application/octet-stream"), "files of this type cannot be read"],
    [
      "an image that the model does not know",
      file("image/avif"),
      "files of this type cannot be read",
    ],
    ["a GIF without a still picture", file("image/gif"), "files of this type cannot be read"],
    [
      "a PDF above Google's limit",
      file("application/pdf", { size: 51 * megabyte }),
      "it is larger than 50 MB",
    ],
    [
      "a PDF with too many pages",
      file("application/pdf", { units: 1_001 }),
      "it has more than 1,000 pages",
    ],
    [
      "a text above what a model reads",
      file("text/plain", { size: 8 * megabyte }),
      "it is too long",
    ],
    ["a video of hours", file("video/mp4", { units: 7_200 }), "it is too long"],
    ["what is too large", file("video/mp4", { size: 101 * megabyte }), "it is too large"],
  ])("%s", (_, read, reason) => {
    expect(read).toEqual({ reason });
  });
});
