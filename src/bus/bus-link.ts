// This server's end of the bus: signs what it sends, and checks what comes.
import type { Metrics } from "../observability/metrics/metrics.ts";
import type { Bus } from "./bus.ts";
import { decode, encode, sign, type Header, type Unsigned } from "./envelope.ts";
import { Interests } from "./interests.ts";
import { Subjects } from "./subjects.ts";

/** Servers whose last message is remembered; beyond it the one that was silent longest is forgotten. */
const sendersMax = 1_000;

/** A message of another server. */
export interface Received {
  header: Header;
  text: string;
  /** Whether the message may have come before: the number of its sender is not above those that came already. */
  isRepeated: boolean;
}

export type BusMetrics = Pick<Metrics, "busRefused">;

export class BusLink {
  /** This server's name on the bus, a new one for each life of the process. */
  readonly name: string;
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly interests: Interests;
  readonly #metrics: BusMetrics;
  #sent = 0;
  /** The number of each sender's last message, by its name. */
  readonly #lastOf = new Map<string, number>();

  constructor(
    bus: Bus,
    {
      prefix,
      metrics,
      lingerMs,
      name = crypto.randomUUID(),
    }: { prefix: string; metrics: BusMetrics; lingerMs?: number | undefined; name?: string },
  ) {
    this.name = name;
    this.bus = bus;
    this.subjects = new Subjects(prefix);
    this.interests = new Interests(bus, lingerMs);
    this.#metrics = metrics;
  }

  /**
   * Sends a message; see {@link Bus.publish}.
   * @returns false if it is too large for the bus, and was not sent
   */
  send(subject: string, unsigned: Unsigned, text?: string): boolean {
    if (this.bus.state !== "up") return true;
    // Each UTF-16 unit takes at least one byte: a text that cannot fit need not be encoded.
    if (text !== undefined && text.length >= this.bus.payloadBytesMax) return false;
    const payload = encode(sign(unsigned, this.name, (this.#sent += 1)), text);
    if (payload.length > this.bus.payloadBytesMax) return false;
    this.bus.publish(subject, payload);
    return true;
  }

  /** Checks a message. @returns undefined for one that is refused, or this server's own */
  read(subject: string, payload: Uint8Array): Received | undefined {
    const found = decode(payload);
    if (!found || !this.#belongs(subject, found.header)) {
      this.#metrics.busRefused();
      return undefined;
    }
    const { from, n } = found.header;
    if (from === this.name) return undefined;
    const last = this.#lastOf.get(from) ?? 0;
    if (n > last) this.#remember(from, n);
    return { ...found, isRepeated: n <= last };
  }

  /** Whether a message is on the subject that it belongs to: a subscriber of one chat must not receive messages of another. */
  #belongs(subject: string, header: Header): boolean {
    switch (header.kind) {
      case "alive":
      case "look":
      case "sessions":
        return subject === this.subjects.all;
      case "user":
      case "shown":
        return subject === this.subjects.of("user", header.user);
      case "activity":
      case "changed":
        return subject === this.subjects.of("list", header.chat);
      case "texts":
      case "stop":
        return subject === this.subjects.of("answers", header.chat);
      case "roster":
      case "rosterWanted":
        return subject === this.subjects.ofServer(this.name);
      case "chunk":
        return (
          subject === this.subjects.of("chat", header.chat) ||
          subject === this.subjects.ofServer(this.name)
        );
      default:
        return subject === this.subjects.of("chat", header.chat);
    }
  }

  #remember(from: string, n: number): void {
    this.#lastOf.delete(from);
    this.#lastOf.set(from, n);
    const [oldest = from] = this.#lastOf.keys();
    if (this.#lastOf.size > sendersMax) this.#lastOf.delete(oldest);
  }
}
