// Opus (RFC 6716). Its packets say how long they are.
import { createOpusDecoder, opusSampleRate } from "./decoders.ts";
import { Loudness } from "./loudness.ts";
import { NoRecording, RecordingTooLong, type Packets } from "./recording.ts";

/** Packets that are decoded at once, so that their samples take little memory: 2 s as browsers record. */
const packetsAtOnce = 100;
/** Packets that cannot be decoded, after which the others are not tried. */
const failedMax = 500;
const preSkipRate = 48;

/** @throws NoRecording, RecordingTooLong */
export async function readOpus(
  { packets, channels, preSkip }: Packets,
  secondsMax: number,
): Promise<{ durationMs: number; waveform: number[] | undefined }> {
  let ms = -preSkip / preSkipRate;
  for (const packet of packets) {
    ms += packetMs(packet);
    if (ms > secondsMax * 1_000) throw new RecordingTooLong();
  }
  const durationMs = Math.round(ms);
  if (durationMs <= 0) throw new NoRecording("there is no sound in it");
  if (channels > 2) return { durationMs, waveform: undefined };
  const loudness = new Loudness(opusSampleRate, secondsMax + 1);
  const decoder = createOpusDecoder(channels, preSkip);
  try {
    await decoder.ready;
    let failed = 0;
    for (let at = 0; at < packets.length; at += packetsAtOnce) {
      const batch = packets.slice(at, at + packetsAtOnce);
      const { channelData, samplesDecoded, errors } = decoder.decodeFrames(batch);
      failed += errors.length;
      if (failed > failedMax || failed === packets.length) {
        throw new NoRecording("its packets cannot be decoded");
      }
      loudness.addAll((channelData[0] ?? new Float32Array()).subarray(0, samplesDecoded));
    }
  } finally {
    decoder.free();
  }
  return { durationMs, waveform: loudness.waveform() };
}

/** Milliseconds of a packet (RFC 6716 §3.1 and §3.2); 0 for an empty one. */
function packetMs(packet: Uint8Array): number {
  const [toc, count = 0] = packet;
  if (toc === undefined) return 0;
  const config = toc >> 3;
  const silk = [10, 20, 40, 60][config & 3] ?? 0;
  const hybrid = [10, 20][config & 1] ?? 0;
  const celt = [2.5, 5, 10, 20][config & 3] ?? 0;
  const frameMs = config < 12 ? silk : config < 16 ? hybrid : celt;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code === 3 ? count & 63 : 2;
  return Math.min(120, frames * frameMs);
}
