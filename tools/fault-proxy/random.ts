/**
 * Pseudo-random decisions that a seed repeats. Each actor forks its own source, so that its decisions do not depend on the
 * timing of the others.
 */
export interface Random {
  /** @returns a number from 0 to below 1 */
  next(): number;
  /** @returns an integer from `min` to `max`, both included */
  int(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  fork(name: string): Random;
}

export function createRandom(seed: string): Random {
  let state = hash(seed);
  // The generator is Mulberry32.
  function next() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick(items) {
      const item = items[int(0, items.length - 1)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** The 32-bit FNV-1a hash of the UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value;
}
