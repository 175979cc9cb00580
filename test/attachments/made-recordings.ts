// Recordings that tests make, and those in the folder beside it: a tone of three seconds that is quiet, then loud, then silent.
import { join } from "node:path";

export const recordingOf = (name: string) =>
  Bun.file(join(import.meta.dir, "recordings", name)).bytes();

export interface WavOptions {
  seconds?: number;
  rate?: number;
  channels?: number;
  /** 1: whole numbers, 3: floating point, others are not read. */
  format?: number;
  bits?: number;
  /** From -1 to 1; a tone unless said otherwise. */
  sound?: (second: number) => number;
}

/** A WAV, whose channels are all the same. */
export function makeWav({
  seconds = 1,
  rate = 8_000,
  channels = 1,
  format = 1,
  bits = 16,
  sound = (second) => Math.sin(second * 440 * 2 * Math.PI),
}: WavOptions = {}): Uint8Array<ArrayBuffer> {
  const frameBytes = (channels * bits) / 8;
  const frames = Math.round(seconds * rate);
  const wav = Buffer.alloc(44 + frames * frameBytes);
  wav.write("RIFF");
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(format, 20);
  wav.writeUInt16LE(channels, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * frameBytes, 28);
  wav.writeUInt16LE(frameBytes, 32);
  wav.writeUInt16LE(bits, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(frames * frameBytes, 40);
  for (let n = 0; n < frames * channels; n += 1) {
    const at = 44 + (n * bits) / 8;
    const value = sound(Math.floor(n / channels) / rate);
    if (format === 3) wav.writeFloatLE(value, at);
    else if (bits === 8) wav.writeUInt8(Math.round(127.5 + value * 127), at);
    else wav.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), at, bits / 8);
  }
  return new Uint8Array(wav);
}
