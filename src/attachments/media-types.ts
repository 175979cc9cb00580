// The type of a file, found out from its bytes. What a client says about it counts for nothing.
import { isUtf8 } from "node:buffer";
import { fileTypeFromBuffer } from "file-type";

/** Bytes from the beginning of a file by which its type is found out. */
export const headBytes = 64 * 1024;

/** Kinds of types that pages may show; all others are only ever downloaded, above all what may run: SVG, HTML, XML, PDF. */
const shownKinds: Readonly<Record<string, "image" | "audio" | "video">> = {
  "image/jpeg": "image",
  "image/png": "image",
  "image/apng": "image",
  "image/webp": "image",
  "image/gif": "image",
  "audio/mpeg": "audio",
  "audio/mp4": "audio",
  "audio/x-m4a": "audio",
  "audio/aac": "audio",
  "audio/ogg": "audio",
  "audio/opus": "audio",
  "audio/wav": "audio",
  "audio/flac": "audio",
  "video/mp4": "video",
  "video/webm": "video",
  "video/ogg": "video",
  "video/quicktime": "video",
  "video/x-m4v": "video",
};

/** Names that browsers know for types that the detection calls otherwise. */
const commonNames: Readonly<Record<string, string>> = {
  "image/apng": "image/png",
  "audio/x-m4a": "audio/mp4",
  "audio/opus": "audio/ogg",
  "video/x-m4v": "video/mp4",
};

export interface FoundType {
  mediaType: string;
  kind: "image" | "audio" | "video" | "file";
}

/** @param head the first {@link headBytes} of the file, or all of it */
export async function findType(head: Uint8Array): Promise<FoundType> {
  // The detection reads on behind the end of a short file, which it reports as an error.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  const detected = found?.mime.split(";")[0]?.toLowerCase();
  if (!detected) return { mediaType: isText(head) ? "text/plain" : binaryType, kind: "file" };
  const kind = shownKinds[detected] ?? "file";
  const mediaType = commonNames[detected] ?? detected;
  return { mediaType: /^[\w.+-]+\/[\w.+-]+$/.test(mediaType) ? mediaType : binaryType, kind };
}

export const binaryType = "application/octet-stream";

/** Whether bytes are UTF-8 without control characters. The last character may be cut off. */
function isText(head: Uint8Array): boolean {
  const tail = head.length < headBytes ? 0 : lengthOfCutCharacter(head);
  const whole = head.subarray(0, head.length - tail);
  // Tabs, line feeds, form feeds and carriage returns are text, and so are the escapes of terminals' colours.
  return isUtf8(whole) && !whole.some((byte) => byte < 32 && ![9, 10, 12, 13, 27].includes(byte));
}

function lengthOfCutCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= 3; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) return back;
    if (byte < 0x80) return 0;
  }
  return 0;
}

/** Whether browsers may show a file of this type in a page; all others are downloaded. */
export function isShown(mediaType: string): boolean {
  return Object.hasOwn(shownKinds, mediaType);
}
