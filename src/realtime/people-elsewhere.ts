// The people who have joined a room on other servers.
interface PersonElsewhere {
  username: string;
  readonly servers: Set<string>;
}

export class PeopleElsewhere {
  readonly #people = new Map<number, PersonElsewhere>();

  get size(): number {
    return this.#people.size;
  }

  get userIds(): Iterable<number> {
    return this.#people.keys();
  }

  has(userId: number): boolean {
    return this.#people.has(userId);
  }

  nameOf(userId: number): string | undefined {
    return this.#people.get(userId)?.username;
  }

  countOf(matches: (userId: number) => boolean): number {
    let count = 0;
    for (const userId of this.#people.keys()) if (matches(userId)) count += 1;
    return count;
  }

  /** @returns whether the person has come to the first server, or left the last one */
  move(
    server: string,
    { userId, username }: { userId: number; username: string },
    isThere: boolean,
  ): boolean {
    const before = this.#people.get(userId);
    if (isThere) {
      if (before) {
        before.servers.add(server);
        return false;
      }
      this.#people.set(userId, { username, servers: new Set([server]) });
      return true;
    }
    if (!before?.servers.delete(server) || before.servers.size > 0) return false;
    this.#people.delete(userId);
    return true;
  }
}
