// The duration of sounds that are sent as files, as their headers state it. Little of a file is read, and nothing is decoded.
import { movieMs, type ReadRange } from "./movie-duration.ts";

/** A piece that is read, which has room for the headers of a file, and for the last page of an Ogg. */
const pieceBytes = 64 * 1024;
/** A duration above it is a mistake of its header: 24 days. */
const msMax = 2 ** 31 - 1;

/**
 * Finds out how long a sound or a movie is. Where an MP3 does not state its number of frames, it is estimated.
 * @param size of the file in bytes
 * @returns milliseconds; undefined where no header states it: a raw AAC, and a recording that was streamed
 */
export async function soundMs(
  mediaType: string,
  size: number,
  read: ReadRange,
): Promise<number | undefined> {
  const ms = await find(mediaType, size, read);
  if (ms === undefined || !Number.isFinite(ms)) return undefined;
  const rounded = Math.round(ms);
  return rounded > 0 && rounded <= msMax ? rounded : undefined;
}

async function find(mediaType: string, size: number, read: ReadRange) {
  const piece = (start: number) => read({ start, end: Math.min(size, start + pieceBytes) });
  switch (mediaType) {
    case "audio/mpeg": {
      const start = endOfId3(await piece(0));
      return start < size ? mp3Ms(await piece(start), size - start) : undefined;
    }
    case "audio/ogg":
      return oggMs(await piece(0), await piece(Math.max(0, size - pieceBytes)));
    case "audio/wav":
      return wavMs(await piece(0), size);
    case "audio/flac":
      return flacMs(await piece(0));
    case "audio/mp4":
    case "video/mp4":
    case "video/quicktime":
      return await movieMs(size, read);
    default:
      return undefined;
  }
}

/** The tag in front of an MP3 (ID3v2.4 §3.1), whose size has 7 bits in each byte. */
function endOfId3(head: Buffer): number {
  if (head.length < 10 || head.toString("latin1", 0, 3) !== "ID3") return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((head[at] ?? 0) & 0x7f), 0);
  return 10 + size + (((head[5] ?? 0) & 0x10) !== 0 ? 10 : 0);
}

const mp3Rates = [44_100, 48_000, 32_000];
/** Kilobits a second of layer III by the index in the header (ISO/IEC 11172-3 and 13818-3). */
const kilobits = {
  1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;

interface Frame {
  ms: number;
  bytes: number;
}

/** A header of a frame of layer III, of MPEG 1, 2 or 2.5. */
function frameAt(bytes: Buffer, at: number): Frame | undefined {
  const [flags, rates] = [bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
  if (bytes[at] !== 0xff || (flags & 0xe6) !== 0xe2) return undefined;
  const version = (flags >> 3) & 3;
  const baseRate = mp3Rates[(rates >> 2) & 3];
  const bitrate = kilobits[version === 3 ? 1 : 2][rates >> 4];
  if (version === 1 || !baseRate || !bitrate) return undefined;
  const rate = baseRate / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const samples = version === 3 ? 1_152 : 576;
  const padding = (rates >> 1) & 1;
  return {
    ms: (samples * 1_000) / rate,
    bytes: Math.floor((samples * bitrate * 125) / rate) + padding,
  };
}

/**
 * The first frame may state the number of frames: Xing, which is called Info at a constant bit rate, or VBRI. Otherwise the rest is as
 * the frames at the beginning.
 */
function mp3Ms(bytes: Buffer, size: number): number | undefined {
  let at = 0;
  let first = frameAt(bytes, at);
  while (!first && at + 4 <= bytes.length) first = frameAt(bytes, (at += 1));
  if (!first) return undefined;
  const count = framesIn(bytes.subarray(at, at + 256));
  if (count !== undefined) return count * first.ms;
  const start = at;
  let ms = 0;
  for (let frame = frameAt(bytes, at); frame; frame = frameAt(bytes, at)) {
    ms += frame.ms;
    at += frame.bytes;
  }
  return (ms * (size - start)) / (at - start);
}

function framesIn(frame: Buffer): number | undefined {
  const xing = Math.max(frame.indexOf("Xing"), frame.indexOf("Info"));
  if (xing > 0 && xing + 12 <= frame.length && (frame.readUInt32BE(xing + 4) & 1) === 1) {
    return frame.readUInt32BE(xing + 8);
  }
  const vbri = frame.indexOf("VBRI");
  return vbri > 0 && vbri + 18 <= frame.length ? frame.readUInt32BE(vbri + 14) : undefined;
}

/** The last page has the number of samples (RFC 3533 §6). Opus counts at 48 kHz, its pre-skip included (RFC 7845 §4). */
function oggMs(head: Buffer, tail: Buffer): number | undefined {
  const last = tail.lastIndexOf("OggS");
  const opus = head.indexOf("OpusHead");
  const vorbis = head.indexOf("\x01vorbis", 0, "latin1");
  if (last < 0 || last + 14 > tail.length) return undefined;
  const samples = Number(tail.readBigInt64LE(last + 6));
  if (opus >= 0 && opus + 12 <= head.length) return (samples - head.readUInt16LE(opus + 10)) / 48;
  if (vorbis < 0 || vorbis + 16 > head.length) return undefined;
  return (samples * 1_000) / head.readUInt32LE(vorbis + 12);
}

function wavMs(head: Buffer, size: number): number | undefined {
  let bytesPerSecond = 0;
  for (let at = 12; at + 8 <= head.length;) {
    const type = head.toString("latin1", at, at + 4);
    const length = head.readUInt32LE(at + 4);
    if (type === "fmt " && at + 20 <= head.length) bytesPerSecond = head.readUInt32LE(at + 16);
    // A recorder that was killed, or that streams, does not know the length.
    if (type === "data") return (Math.min(length, size - at - 8) * 1_000) / bytesPerSecond;
    at += 8 + length + (length % 2);
  }
  return undefined;
}

/** The first block of metadata: 20 bits of the rate, and 36 of the samples (RFC 9639 §8.2). */
function flacMs(head: Buffer): number | undefined {
  if (head.length < 42 || head.toString("latin1", 0, 4) !== "fLaC") return undefined;
  const rate = head.readUIntBE(18, 3) >> 4;
  const samples = (head.readUInt8(21) & 0x0f) * 2 ** 32 + head.readUInt32BE(22);
  return (samples * 1_000) / rate;
}
