// WAV (RIFF, with the formats PCM and IEEE float).
import { textOf } from "../images/bare-image.ts";
import { Loudness } from "./loudness.ts";
import { NoRecording, RecordingTooLong } from "./recording.ts";

const formats = { pcm: 1, float: 3, extensible: 0xfffe } as const;
const rateMax = 384_000;

interface Format {
  kind: number;
  channels: number;
  rate: number;
  bytesPerSecond: number;
  /** Bytes of one sample of all channels. */
  frameBytes: number;
  bits: number;
}

/** @throws NoRecording, RecordingTooLong */
export function readWav(
  bytes: Uint8Array,
  secondsMax: number,
): { durationMs: number; waveform: number[] | undefined } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const type = textOf(bytes, at, 4);
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (type === "fmt " && length >= 16 && start + 16 <= bytes.length) {
      format = formatAt(view, start, length);
    }
    if (type === "data" && format) {
      // A recorder that was killed, or that streams, does not know the length.
      const end = Math.min(bytes.length, start + length);
      return soundOf(view, start, end, format, secondsMax);
    }
    at = start + length + (length % 2);
  }
  throw new NoRecording("it has no sound");
}

function formatAt(view: DataView, at: number, length: number): Format {
  const tag = view.getUint16(at, true);
  const isExtensible = tag === formats.extensible && length >= 26 && at + 26 <= view.byteLength;
  return {
    kind: isExtensible ? view.getUint16(at + 24, true) : tag,
    channels: view.getUint16(at + 2, true),
    rate: view.getUint32(at + 4, true),
    bytesPerSecond: view.getUint32(at + 8, true),
    frameBytes: view.getUint16(at + 12, true),
    bits: view.getUint16(at + 14, true),
  };
}

function soundOf(
  view: DataView,
  start: number,
  end: number,
  format: Format,
  secondsMax: number,
): { durationMs: number; waveform: number[] | undefined } {
  const { channels, rate, bytesPerSecond, frameBytes } = format;
  if (channels < 1 || frameBytes < 1 || bytesPerSecond < 1 || rate < 1 || rate > rateMax) {
    throw new NoRecording("its format says nothing that can be");
  }
  const sample = sampleReader(view, format);
  if (!sample || frameBytes < channels * (format.bits / 8)) {
    const durationMs = Math.round(((end - start) * 1_000) / bytesPerSecond);
    if (durationMs > secondsMax * 1_000) throw new RecordingTooLong();
    if (durationMs < 1) throw new NoRecording("there is no sound in it");
    return { durationMs, waveform: undefined };
  }
  const loudness = new Loudness(rate, secondsMax);
  for (let at = start; at + frameBytes <= end; at += frameBytes) loudness.add(sample(at));
  const { durationMs } = loudness;
  if (durationMs < 1) throw new NoRecording("there is no sound in it");
  return { durationMs, waveform: loudness.waveform() };
}

/** Reads a sample of the first channel; undefined for a format that is not read here. */
function sampleReader(
  view: DataView,
  { kind, bits }: Format,
): ((at: number) => number) | undefined {
  if (kind === formats.float && bits === 32) return (at) => view.getFloat32(at, true);
  if (kind === formats.float && bits === 64) return (at) => view.getFloat64(at, true);
  if (kind !== formats.pcm) return undefined;
  if (bits === 8) return (at) => (view.getUint8(at) - 128) / 128;
  if (bits === 16) return (at) => view.getInt16(at, true) / 2 ** 15;
  // The upper two of three bytes are enough.
  if (bits === 24) return (at) => view.getInt16(at + 1, true) / 2 ** 15;
  if (bits === 32) return (at) => view.getInt32(at, true) / 2 ** 31;
  return undefined;
}
