import { RecordingTooLong, waveformBars } from "./recording.ts";

const windowsPerSecond = 100;
/** Noise below it is not drawn as if it were speech. */
const quietest = 0.02;
/** Gathers the loudness of samples as they are decoded, of which none are kept. */
export class Loudness {
  readonly #samplesPerWindow: number;
  readonly #sampleRate: number;
  readonly #windowsMax: number;
  readonly #windows: number[] = [];
  #squares = 0;
  #inWindow = 0;
  #samples = 0;

  constructor(sampleRate: number, secondsMax: number) {
    this.#sampleRate = sampleRate;
    this.#samplesPerWindow = Math.max(1, Math.round(sampleRate / windowsPerSecond));
    this.#windowsMax = Math.ceil((secondsMax * sampleRate) / this.#samplesPerWindow);
  }

  /** @param value from -1 to 1 @throws RecordingTooLong */
  add(value: number): void {
    this.#squares += value * value;
    this.#samples += 1;
    this.#inWindow += 1;
    if (this.#inWindow === this.#samplesPerWindow) this.#endWindow();
  }

  /** @throws RecordingTooLong */
  addAll(values: Float32Array): void {
    for (const value of values) this.add(value);
  }

  get durationMs(): number {
    return Math.round((this.#samples * 1_000) / this.#sampleRate);
  }

  /** Each bar is as high as the loudest moment in its part of the time. */
  waveform(): number[] {
    if (this.#inWindow > 0) this.#endWindow();
    const windows = this.#windows;
    const bars = Array.from({ length: waveformBars }, (_, bar) => {
      const from = Math.floor((bar * windows.length) / waveformBars);
      const to = Math.max(from + 1, Math.floor(((bar + 1) * windows.length) / waveformBars));
      let loudest = 0;
      for (let at = from; at < to; at += 1) loudest = Math.max(loudest, windows[at] ?? 0);
      return loudest;
    });
    const scale = 100 / Math.max(quietest, ...bars);
    return bars.map((bar) => Math.min(100, Math.round(bar * scale)));
  }

  #endWindow(): void {
    // A sample that is no number must not reach the wire.
    const loudness = Math.sqrt(this.#squares / this.#inWindow);
    this.#windows.push(Number.isFinite(loudness) ? loudness : 0);
    if (this.#windows.length > this.#windowsMax) throw new RecordingTooLong();
    this.#squares = 0;
    this.#inWindow = 0;
  }
}
