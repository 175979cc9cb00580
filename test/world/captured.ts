// The lines of a server's log, as they are written.
type Line = Record<string, unknown>;

/** Give it to a world as `logTo`. */
export class CapturedLog {
  text = "";
  readonly lines: Line[] = [];
  private readonly wishes: { matches: (line: Line) => boolean; resolve: (line: Line) => void }[] =
    [];

  /** For pino: one line of JSON a call. */
  write(line: string) {
    this.text += line;
    const parsed: Line = JSON.parse(line);
    this.lines.push(parsed);
    for (const wish of this.wishes) if (wish.matches(parsed)) wish.resolve(parsed);
  }

  /** The first line, written already or still to come, that has these members. */
  find(members: Line): Promise<Line> {
    const matches = (line: Line) =>
      Object.entries(members).every(([name, value]) => line[name] === value);
    const found = this.lines.find(matches);
    if (found) return Promise.resolve(found);
    const { promise, resolve } = Promise.withResolvers<Line>();
    this.wishes.push({ matches, resolve });
    return promise;
  }
}
