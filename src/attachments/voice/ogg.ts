// Ogg (RFC 3533), as far as a recording of Opus (RFC 7845) or Vorbis needs it.
import { textOf } from "../images/bare-image.ts";
import { NoRecording, type Packets } from "./recording.ts";

const pageHeaderBytes = 27;
const opusHeadBytes = 19;

/** @throws NoRecording */
export function oggPackets(bytes: Uint8Array): Packets {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let stream: { serial: number; codec: "opus" | "other"; rate: number } | undefined;
  const packets: Uint8Array[] = [];
  let partial: Uint8Array[] = [];
  let granule = 0;
  let at = 0;
  while (at + pageHeaderBytes <= bytes.length && textOf(bytes, at, 4) === "OggS") {
    const serial = view.getUint32(at + 14, true);
    const count = bytes[at + 26] ?? 0;
    const table = bytes.subarray(at + pageHeaderBytes, at + pageHeaderBytes + count);
    const start = at + pageHeaderBytes + count;
    const length = table.reduce((sum, each) => sum + each, 0);
    if (start + length > bytes.length) break;
    const isFirst = ((bytes[at + 5] ?? 0) & 2) !== 0;
    if (isFirst) {
      if (stream) throw new NoRecording("it has several streams");
      stream = { serial, ...codecOf(bytes.subarray(start, start + length), view, start) };
    }
    if (stream?.serial === serial) {
      const position = view.getBigInt64(at + 6, true);
      if (position > 0n) granule = Number(position);
      let from = start;
      let taken = 0;
      for (const segment of table) {
        taken += segment;
        if (segment === 255) continue;
        packets.push(joined([...partial, bytes.subarray(from, from + taken)]));
        partial = [];
        from += taken;
        taken = 0;
      }
      if (taken > 0) partial.push(bytes.subarray(from, from + taken));
    }
    at = start + length;
  }
  const [head] = packets;
  if (!stream || !head) throw new NoRecording("its pages cannot be followed");
  const durationMs = Math.round((granule * 1_000) / stream.rate);
  const { codec } = stream;
  if (codec === "other") return { codec, channels: 0, preSkip: 0, packets: [], durationMs };
  // The second packet has comments.
  return { ...headOf(head), codec, packets: packets.slice(2), durationMs };
}

/** The members of an OpusHead. @throws NoRecording */
export function headOf(head: Uint8Array): { channels: number; preSkip: number } {
  if (head.length < opusHeadBytes || textOf(head, 0, 8) !== "OpusHead") {
    throw new NoRecording("its header is not one of Opus");
  }
  const channels = head[9] ?? 0;
  if (channels < 1) throw new NoRecording("it has no channels");
  return { channels, preSkip: (head[10] ?? 0) | ((head[11] ?? 0) << 8) };
}

function codecOf(packet: Uint8Array, view: DataView, at: number) {
  if (textOf(packet, 0, 8) === "OpusHead") return { codec: "opus" as const, rate: 48_000 };
  if (textOf(packet, 0, 7) !== "\x01vorbis" || packet.length < 16) {
    throw new NoRecording("its sound is neither Opus nor Vorbis");
  }
  return { codec: "other" as const, rate: Math.max(1, view.getUint32(at + 12, true)) };
}

function joined(parts: Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only ? only : Buffer.concat(parts);
}
