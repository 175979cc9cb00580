// The properties of a recording: its type, its duration and its waveform.

export const waveformBars = 64;

export interface Recording {
  /** The type under which browsers play it. */
  mediaType: string;
  durationMs: number;
  /** {@link waveformBars} numbers from 0 to 100, the loudest of which is 100; undefined for sound that cannot be decoded here. */
  waveform: number[] | undefined;
}

/** The bytes are no recording, or have pictures, too. */
export class NoRecording extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "NoRecording";
  }
}

export class RecordingTooLong extends Error {
  constructor() {
    super("the recording is too long");
    this.name = "RecordingTooLong";
  }
}

/** The packets of one codec that a container has. */
export interface Packets {
  codec: "opus" | "other";
  channels: number;
  /** Samples at 48 kHz that come before the sound. */
  preSkip: number;
  packets: Uint8Array[];
  /** The duration that the container states. The packets of Opus state it more exactly. */
  durationMs: number;
}
