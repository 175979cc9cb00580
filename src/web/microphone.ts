// A recording of the microphone, with its level.

/** Types that browsers record, the best one first. The server takes all of them. */
const types = [
  { type: "audio/webm;codecs=opus", extension: "webm" },
  { type: "audio/ogg;codecs=opus", extension: "ogg" },
  { type: "audio/mp4", extension: "m4a" },
];
const bitsPerSecond = 32_000;
/** The recorder gives its bytes in such pieces, so that little is lost if it fails. */
const pieceMs = 1_000;

export interface Recorded {
  readonly content: Blob;
  readonly name: string;
}

export class Microphone {
  readonly #stream: MediaStream;
  readonly #recorder: MediaRecorder;
  readonly #extension: string;
  readonly #pieces: Blob[] = [];
  readonly #context: AudioContext;
  readonly #analyser: AnalyserNode;
  readonly #began = performance.now();

  /** Begins to record. @throws DOMException when the person or the browser does not allow it, or there is no microphone */
  static async open(): Promise<Microphone> {
    const audio = { echoCancellation: true, noiseSuppression: true, channelCount: 1 };
    return new Microphone(await navigator.mediaDevices.getUserMedia({ audio }));
  }

  constructor(stream: MediaStream) {
    this.#stream = stream;
    const found = types.find(({ type }) => MediaRecorder.isTypeSupported(type));
    this.#extension = found?.extension ?? "webm";
    this.#recorder = new MediaRecorder(stream, {
      audioBitsPerSecond: bitsPerSecond,
      ...(found && { mimeType: found.type }),
    });
    this.#recorder.ondataavailable = ({ data }) => this.#pieces.push(data);
    this.#recorder.start(pieceMs);
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 512;
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
  }

  get elapsedMs(): number {
    return performance.now() - this.#began;
  }

  /** The loudness, from 0 to 1. */
  get level(): number {
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    // Speech is some 30 dB above a quiet room.
    return Math.min(1, Math.max(0, 1 + Math.log10(Math.sqrt(power) + 1e-6) / 2));
  }

  /** Ends the recording, and turns the microphone off. */
  async stop(): Promise<Recorded> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#recorder.onstop = () => resolve();
    if (this.#recorder.state === "inactive") resolve();
    else this.#recorder.stop();
    await promise;
    this.close();
    const type = this.#recorder.mimeType || "audio/webm";
    return {
      content: new Blob(this.#pieces, { type }),
      name: `Voice message.${this.#extension}`,
    };
  }

  close(): void {
    for (const track of this.#stream.getTracks()) track.stop();
    if (this.#context.state !== "closed") void this.#context.close();
  }
}
