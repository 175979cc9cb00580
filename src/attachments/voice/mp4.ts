// MP4 (ISO/IEC 14496-12): whether it has sound alone, and how long it is, also in fragments. Its sound is not decoded: no decoder of AAC
// for this server is well kept.
import { textOf } from "../images/bare-image.ts";
import { NoRecording } from "./recording.ts";

const parents = new Set(["moov", "trak", "mdia", "mvex", "moof", "traf"]);
/** Boxes in boxes, more than which no recording has. */
const depthMax = 8;

interface State {
  handlers: string[];
  /** The sound's units of a second, and the number of units of the recording. */
  timescale: number;
  duration: number;
  /** Units of a fragment's samples that say nothing themselves. */
  sampleDuration: number;
  fragmentSampleDuration: number;
  fragments: number;
}

/** @returns milliseconds @throws NoRecording */
export function mp4Duration(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const state: State = {
    handlers: [],
    timescale: 0,
    duration: 0,
    sampleDuration: 0,
    fragmentSampleDuration: 0,
    fragments: 0,
  };
  readBoxes(view, bytes, { from: 0, to: bytes.length }, state, 0);
  const isSound = state.handlers.length === 1 && state.handlers[0] === "soun";
  if (!isSound || state.timescale < 1) throw new NoRecording("it does not have one track of sound");
  const units = Math.max(state.duration, state.fragments);
  const durationMs = Math.round((units * 1_000) / state.timescale);
  if (durationMs < 1) throw new NoRecording("there is no sound in it");
  return durationMs;
}

function readBoxes(
  view: DataView,
  bytes: Uint8Array,
  { from, to }: { from: number; to: number },
  state: State,
  depth: number,
): void {
  for (let at = from; at + 8 <= to;) {
    const type = textOf(bytes, at + 4, 4);
    let size = view.getUint32(at);
    let head = 8;
    if (size === 1 && at + 16 <= to) {
      size = Number(view.getBigUint64(at + 8));
      head = 16;
    }
    // A box of size 0 goes to the end.
    const end = size === 0 ? to : at + size;
    if (end < at + head || end > to) return;
    const inside = { from: at + head, to: end };
    if (parents.has(type) && depth < depthMax) readBoxes(view, bytes, inside, state, depth + 1);
    else readBox(view, bytes, type, inside, state);
    at = end;
  }
}

function readBox(
  view: DataView,
  bytes: Uint8Array,
  type: string,
  { from, to }: { from: number; to: number },
  state: State,
): void {
  const length = to - from;
  if (type === "hdlr" && length >= 12) state.handlers.push(textOf(bytes, from + 8, 4));
  if (type === "mdhd" && length >= 32 && view.getUint8(from) === 1) {
    state.timescale = view.getUint32(from + 20);
    state.duration = known(Number(view.getBigUint64(from + 24)));
  } else if (type === "mdhd" && length >= 20) {
    state.timescale = view.getUint32(from + 12);
    state.duration = known(view.getUint32(from + 16));
  }
  if (type === "trex" && length >= 16) state.sampleDuration = view.getUint32(from + 12);
  if (type === "tfhd" && length >= 8) {
    const flags = view.getUint32(from) & 0xffffff;
    const at = from + 8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0);
    const isGiven = (flags & 8) !== 0 && at + 4 <= to;
    state.fragmentSampleDuration = isGiven ? view.getUint32(at) : state.sampleDuration;
  }
  if (type === "trun" && length >= 8) state.fragments += runOf(view, from, to, state);
}

/** The units of the samples of a run. */
function runOf(view: DataView, from: number, to: number, state: State): number {
  const flags = view.getUint32(from) & 0xffffff;
  const count = view.getUint32(from + 4);
  if ((flags & 0x100) === 0) return count * state.fragmentSampleDuration;
  const perSample = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4;
  let at = from + 8 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
  let units = 0;
  for (let n = 0; n < count && at + perSample <= to; n += 1, at += perSample) {
    units += view.getUint32(at);
  }
  return units;
}

/** All ones stand for an unknown duration. */
function known(duration: number): number {
  return duration === 0xffffffff || !Number.isSafeInteger(duration) ? 0 : duration;
}
