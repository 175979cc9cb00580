// The worker that reads recordings: a hostile one can stop it, and nothing else.
import { readRecording } from "./read-recording.ts";
import { NoRecording, RecordingTooLong, type Recording } from "./recording.ts";

declare const self: Worker;

export interface ReadTask {
  mediaType: string;
  bytes: Uint8Array;
  secondsMax: number;
}

export type ReadResult = { recording: Recording } | { refusal: "none" | "too_long"; why: string };

// The decoders write each damaged packet to the console: a hostile recording would fill the server's log.
for (const write of ["error", "warn", "log"] as const) console[write] = () => {};

self.onmessage = async ({ data }: MessageEvent<ReadTask>) => {
  self.postMessage(await read(data));
};

async function read({ mediaType, bytes, secondsMax }: ReadTask): Promise<ReadResult> {
  try {
    return { recording: await readRecording(mediaType, bytes, secondsMax) };
  } catch (error) {
    if (error instanceof RecordingTooLong) return { refusal: "too_long", why: error.message };
    // Other errors are those of bytes that say what cannot be: a decoder's, or a read past the end.
    const why = error instanceof Error ? error.message : String(error);
    return { refusal: "none", why: error instanceof NoRecording ? why : `it is damaged: ${why}` };
  }
}
