// WebM (RFC 8794 and 9559), as browsers record it: segments and clusters may be of unknown size, and the duration may be missing.
import { headOf } from "./ogg.ts";
import { NoRecording, type Packets } from "./recording.ts";

const ids = {
  info: 0x1549a966,
  scale: 0x2ad7b1,
  duration: 0x4489,
  track: 0xae,
  trackType: 0x83,
  trackNumber: 0xd7,
  codec: 0x86,
  codecPrivate: 0x63a2,
  clusterTime: 0xe7,
  simpleBlock: 0xa3,
  block: 0xa1,
} as const;
/** Their children are read as if they stood here: so no size is needed. Segment, Info, Tracks, TrackEntry, Cluster, BlockGroup. */
const parents = new Set([0x18538067, ids.info, 0x1654ae6b, ids.track, 0x1f43b675, 0xa0]);
const audioType = 2;
const defaultScale = 1_000_000;

interface Track {
  number: number;
  type: number;
  codec: string;
  codecPrivate: Uint8Array | undefined;
}

/** @throws NoRecording */
export function webmPackets(bytes: Uint8Array): Packets {
  const reader = new WebmReader(bytes);
  reader.read();
  const [track, ...others] = reader.tracks;
  if (!track || others.length > 0 || track.type !== audioType) {
    throw new NoRecording("it does not have one track of sound");
  }
  const packets = reader.blocks.filter(({ number }) => number === track.number);
  const durationMs = Math.round(reader.durationMs);
  if (track.codec !== "A_OPUS" || !track.codecPrivate) {
    return { codec: "other", channels: 0, preSkip: 0, packets: [], durationMs };
  }
  const head = headOf(track.codecPrivate);
  return { ...head, codec: "opus", packets: packets.map(({ data }) => data), durationMs };
}

class WebmReader {
  readonly tracks: Track[] = [];
  readonly blocks: { number: number; data: Uint8Array }[] = [];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #scale = defaultScale;
  #duration = 0;
  #clusterTime = 0;
  #lastTime = 0;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get durationMs(): number {
    return (Math.max(this.#duration, this.#lastTime) * this.#scale) / 1_000_000;
  }

  read(): void {
    while (this.#at < this.#bytes.length) {
      const id = this.#number(4, false);
      const size = this.#number(8, true);
      if (id === undefined || size === undefined) return;
      if (parents.has(id)) {
        if (id === ids.track) {
          this.tracks.push({ number: 0, type: 0, codec: "", codecPrivate: undefined });
        }
        continue;
      }
      const end = this.#at + size;
      // A recording that was cut off ends with the element before.
      if (!Number.isSafeInteger(end) || end > this.#bytes.length) return;
      this.#take(id, this.#bytes.subarray(this.#at, end));
      this.#at = end;
    }
  }

  #take(id: number, data: Uint8Array): void {
    const track = this.tracks.at(-1);
    if (id === ids.scale) this.#scale = unsigned(data) || defaultScale;
    else if (id === ids.duration) this.#duration = this.#float(data);
    else if (id === ids.clusterTime) this.#clusterTime = unsigned(data);
    else if (id === ids.simpleBlock || id === ids.block) this.#takeBlock(data);
    else if (!track) return;
    else if (id === ids.trackNumber) track.number = unsigned(data);
    else if (id === ids.trackType) track.type = unsigned(data);
    else if (id === ids.codec) track.codec = Buffer.from(data).toString("latin1");
    else if (id === ids.codecPrivate) track.codecPrivate = data;
  }

  /** A track's number, its time in the cluster, flags, and one frame. */
  #takeBlock(data: Uint8Array): void {
    const [first = 0] = data;
    const flags = data[3] ?? 0;
    // More than 127 tracks, and frames in a lace, are in no recording of sound.
    if (data.length < 4 || first < 0x80 || (flags & 0x06) !== 0) {
      throw new NoRecording("its blocks are not those of a recording");
    }
    const time = (((data[1] ?? 0) << 24) >> 16) | (data[2] ?? 0);
    this.#lastTime = Math.max(this.#lastTime, this.#clusterTime + time);
    this.blocks.push({ number: first & 0x7f, data: data.subarray(4) });
  }

  #float(data: Uint8Array): number {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const value =
      data.length === 8 ? view.getFloat64(0) : data.length === 4 ? view.getFloat32(0) : 0;
    return Number.isFinite(value) && value > 0 ? value : 0;
  }

  /** A number whose first byte tells its length. @param isSize without the bit that tells it */
  #number(lengthMax: number, isSize: boolean): number | undefined {
    const first = this.#bytes[this.#at] ?? 0;
    const length = Math.clz32(first) - 23;
    if (first === 0 || length > lengthMax || this.#at + length > this.#bytes.length)
      return undefined;
    let value = isSize ? first & (0xff >> length) : first;
    for (let n = 1; n < length; n += 1) value = value * 256 + this.#view.getUint8(this.#at + n);
    this.#at += length;
    return value;
  }
}

function unsigned(data: Uint8Array): number {
  let value = 0;
  for (const byte of data.subarray(0, 8)) value = value * 256 + byte;
  return Number.isSafeInteger(value) ? value : 0;
}
