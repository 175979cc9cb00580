import { createMp3Decoder } from "./decoders.ts";
import { Loudness } from "./loudness.ts";
import { NoRecording } from "./recording.ts";

/** Bytes that are decoded at once: at the lowest rate, their samples take some MB. */
const pieceBytes = 32 * 1024;

/** @throws NoRecording, RecordingTooLong */
export async function readMp3(
  bytes: Uint8Array,
  secondsMax: number,
): Promise<{ durationMs: number; waveform: number[] }> {
  const decoder = createMp3Decoder();
  try {
    await decoder.ready;
    let loudness: Loudness | undefined;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const decoded = decoder.decode(bytes.subarray(at, at + pieceBytes));
      const { channelData, samplesDecoded, sampleRate } = decoded;
      if (samplesDecoded === 0) continue;
      loudness ??= new Loudness(sampleRate, secondsMax);
      loudness.addAll((channelData[0] ?? new Float32Array()).subarray(0, samplesDecoded));
    }
    if (!loudness || loudness.durationMs < 1) throw new NoRecording("there is no sound in it");
    return { durationMs: loudness.durationMs, waveform: loudness.waveform() };
  } finally {
    decoder.free();
  }
}
