import { readMp3 } from "./mp3.ts";
import { mp4Duration } from "./mp4.ts";
import { oggPackets } from "./ogg.ts";
import { readOpus } from "./opus.ts";
import { NoRecording, RecordingTooLong, type Packets, type Recording } from "./recording.ts";
import { readWav } from "./wav.ts";
import { webmPackets } from "./webm.ts";

/** The types of recordings by the types that are found out from bytes. */
const playedTypes: Readonly<Record<string, string>> = {
  "video/webm": "audio/webm",
  "audio/webm": "audio/webm",
  "audio/ogg": "audio/ogg",
  "video/ogg": "audio/ogg",
  "application/ogg": "audio/ogg",
  "video/mp4": "audio/mp4",
  "audio/mp4": "audio/mp4",
  "audio/mpeg": "audio/mpeg",
  "audio/wav": "audio/wav",
};

/** The type under which a recording is played; undefined for what is none. */
export function playedType(mediaType: string): string | undefined {
  return Object.hasOwn(playedTypes, mediaType) ? playedTypes[mediaType] : undefined;
}

/**
 * Finds out how long a recording is, and how loud at each time. It runs in a worker, because it takes up to some seconds.
 * @param mediaType one that {@link playedType} knows
 * @throws NoRecording, RecordingTooLong, and RangeError and the like for bytes that say what cannot be
 */
export async function readRecording(
  mediaType: string,
  bytes: Uint8Array,
  secondsMax: number,
): Promise<Recording> {
  const played = playedType(mediaType);
  if (played === undefined) throw new NoRecording("it is of another type");
  return { mediaType: played, ...(await soundOf(played, bytes, secondsMax)) };
}

async function soundOf(played: string, bytes: Uint8Array, secondsMax: number) {
  switch (played) {
    case "audio/wav":
      return readWav(bytes, secondsMax);
    case "audio/mpeg":
      return await readMp3(bytes, secondsMax);
    case "audio/mp4":
      return undecoded(mp4Duration(bytes), secondsMax);
    default:
      return await packetsOf(
        played === "audio/ogg" ? oggPackets(bytes) : webmPackets(bytes),
        secondsMax,
      );
  }
}

async function packetsOf(packets: Packets, secondsMax: number) {
  if (packets.codec === "opus") return await readOpus(packets, secondsMax);
  return undecoded(packets.durationMs, secondsMax);
}

function undecoded(durationMs: number, secondsMax: number) {
  if (durationMs < 1) throw new NoRecording("there is no sound in it");
  if (durationMs > secondsMax * 1_000) throw new RecordingTooLong();
  return { durationMs, waveform: undefined };
}
