/** Ids that were added last. Beyond a limit the oldest is forgotten. */
export class RecentIds {
  readonly #max: number;
  readonly #ids = new Set<number>();

  constructor(max: number) {
    this.#max = max;
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  add(id: number): void {
    this.#ids.delete(id);
    this.#ids.add(id);
    const [oldest = id] = this.#ids;
    if (this.#ids.size > this.#max) this.#ids.delete(oldest);
  }
}
