// The decoders. Bun's bundler (1.4.5) leaves out the other exports of their packages, which these packages use themselves, unless the
// program uses them, too: without the checks, a compiled server has none of them.
import { MPEGDecoder, MPEGDecoderWebWorker } from "mpg123-decoder";
import { OpusDecoder, OpusDecoderWebWorker } from "opus-decoder";

export const opusSampleRate = 8_000;

/** @returns a decoder that has to be freed */
export function createOpusDecoder(channels: number, preSkip: number) {
  // A rate below 48 kHz is enough for a waveform, and quicker to decode.
  const decoder = new OpusDecoder({ channels, sampleRate: opusSampleRate, preSkip });
  if (decoder instanceof OpusDecoderWebWorker) throw new TypeError("it decodes elsewhere");
  return decoder;
}

/** @returns a decoder that has to be freed */
export function createMp3Decoder() {
  const decoder = new MPEGDecoder();
  if (decoder instanceof MPEGDecoderWebWorker) throw new TypeError("it decodes elsewhere");
  return decoder;
}
