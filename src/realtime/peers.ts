// The other servers, as far as the rooms and the sockets of this one know them: which subjects it listens to, and what becomes
// of it when the bus goes away and comes back.
import type { BusLink } from "../bus/bus-link.ts";
import type { BusState } from "../bus/bus.ts";
import type { NumberedFrame } from "../wire/numbered-frames.ts";
import type { ActiveRooms } from "./active-rooms.ts";
import type { AnswersElsewhere } from "./answers-elsewhere.ts";
import type { BusReceiver } from "./bus-receiver.ts";
import type { RoomElsewhere } from "./listener.ts";
import type { Rooms } from "./rooms.ts";
import type { Rosters } from "./rosters.ts";

/** A join waits for its subscription so long; the recurring look at the log finds what it misses. */
const heardMsMax = 250;
/** Rooms whose rosters and texts are asked for at once after the bus was away, and the pause before the next ones. */
const askedMax = 500;
const askPauseMs = 50;
/** UTF-16 units of a piece of a whole text. JSON and UTF-8 take at most six bytes for each. */
const pieceMax = 8_000;
const sessionsMax = 50;
/** Longer than a message takes from one server to another, and shorter than anybody notices. */
const leftHeldMs = 500;

/** The text of an answer that runs here. */
export interface AnswerHere {
  readonly messageId: number;
  readonly seq: number;
  readonly createdAt: string;
  readonly text: string;
  readonly lease: { readonly attempt: number };
}

export interface PeersParts {
  link: BusLink;
  rooms: Rooms;
  rosters: Rosters;
  answers: AnswersElsewhere;
  activeRooms: ActiveRooms;
  receiver: BusReceiver;
}

export class Peers implements RoomElsewhere {
  readonly leftHeldMs = leftHeldMs;
  readonly #parts: PeersParts;
  #onState: (state: BusState) => void = () => {};
  #asking: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: PeersParts) {
    this.#parts = parts;
  }

  get bus(): BusState {
    return this.#parts.link.bus.state;
  }

  get subscriptionCount(): number {
    return this.#parts.link.bus.subscriptionCount;
  }

  /** @param onState is called when the bus goes away or comes back */
  start(onState: (state: BusState) => void): void {
    const { link, receiver } = this.#parts;
    this.#onState = onState;
    link.interests.add(link.subjects.all);
    link.interests.add(link.subjects.ofServer(link.name));
    link.bus.start({
      onMessage: (subject, payload) => receiver.receive(subject, payload),
      onState: (state) => this.#stateChanged(state),
    });
  }

  async stop(): Promise<void> {
    const { link } = this.#parts;
    clearTimeout(this.#asking);
    link.interests.stop();
    link.send(link.subjects.all, { kind: "alive", isLast: true });
    await link.bus.stop();
  }

  /** Tells other servers that this one lives, and forgets those that do not. Called about once a second. */
  tellAlive(): void {
    const { link, rosters } = this.#parts;
    link.send(link.subjects.all, { kind: "alive" });
    if (this.bus === "up") rosters.forgetSilent();
  }

  /**
   * Forgets the people of servers that are gone. To be called while the bus is away, and no server can send anything.
   * @param names the other servers that live, as the database has them
   */
  keepOnly(names: ReadonlySet<string>): void {
    if (this.bus === "away") this.#parts.rosters.keepOnly(names);
  }

  /** See {@link ActiveRooms.beat}. */
  beat(): void {
    this.#parts.activeRooms.beat();
  }

  async opened(chatId: number): Promise<void> {
    const { link, rosters, answers } = this.#parts;
    const isNew = link.interests.add(link.subjects.of("chat", chatId));
    rosters.open(chatId);
    answers.ask(chatId);
    if (isNew) await link.bus.flush(heardMsMax);
  }

  closed(chatId: number): void {
    const { link, rosters, answers } = this.#parts;
    link.interests.remove(link.subjects.of("chat", chatId));
    rosters.close(chatId);
    answers.close(chatId);
  }

  moved(chatId: number, person: { userId: number; username: string }, isHere: boolean): void {
    const { rosters, activeRooms } = this.#parts;
    rosters.move(chatId, person, isHere);
    activeRooms.note(chatId, 0);
  }

  released(chatId: number, frame: NumberedFrame): void {
    this.#parts.answers.released(chatId, frame);
  }

  /** The first socket of a person has been signed in, or the last one has closed. */
  personMoved(userId: number, isHere: boolean): void {
    this.#listen("user", userId, isHere);
  }

  /** The first socket follows a chat, or the last one does not any more. Merged ones are shown every message of it. */
  followed(chatId: number, { isMerged }: { isMerged: boolean }, isFollowed: boolean): void {
    this.#listen("list", chatId, isFollowed);
    if (isMerged) this.#listen("chat", chatId, isFollowed);
  }

  /** An answer runs here, or does not any more. */
  answerRuns(
    { chatId, messageId }: { chatId: number; messageId: number },
    isRunning: boolean,
  ): void {
    if (isRunning) this.#parts.answers.runsHere(messageId);
    this.#listen("answers", chatId, isRunning);
  }

  readMoved(chat: number, user: number): void {
    const { link } = this.#parts;
    link.send(link.subjects.of("chat", chat), { kind: "moved", chat, user });
  }

  sessionsEnded(ids: readonly string[]): void {
    const { link } = this.#parts;
    for (let from = 0; from < ids.length; from += sessionsMax) {
      const page = ids.slice(from, from + sessionsMax);
      link.send(link.subjects.all, { kind: "sessions", ids: page });
    }
  }

  lookAt(at: "presence" | "people"): void {
    const { link } = this.#parts;
    link.send(link.subjects.all, { kind: "look", at });
  }

  visibilityChanged(user: number): void {
    const { link } = this.#parts;
    link.send(link.subjects.of("user", user), { kind: "shown", user });
  }

  stopRequested(chat: number, id: number): void {
    const { link } = this.#parts;
    link.send(link.subjects.of("answers", chat), { kind: "stop", chat, id });
  }

  /** Sends the whole texts of answers that run here to a server that asks for them, in pieces that every bus takes. */
  sendTexts(chat: number, server: string, answers: readonly AnswerHere[]): void {
    const { link } = this.#parts;
    for (const { messageId: id, seq: after, createdAt, text, lease } of answers) {
      for (const { offset, chunk } of piecesOf(text)) {
        const frame = {
          ...{ type: "bot_stream", chat_id: chat, message_id: id, chunk },
          ...{ is_complete: false, offset },
        };
        link.send(
          link.subjects.ofServer(server),
          {
            ...{ kind: "chunk", chat, id, attempt: lease.attempt, after, createdAt },
            ...{ offset, length: offset + chunk.length, isGrown: true },
          },
          JSON.stringify(frame),
        );
      }
    }
  }

  #listen(kind: "user" | "list" | "chat" | "answers", id: number, isWanted: boolean): void {
    const { interests, subjects } = this.#parts.link;
    if (isWanted) interests.add(subjects.of(kind, id));
    else interests.remove(subjects.of(kind, id));
  }

  /** Asks for the people and the answers of every open room. */
  askAll(): void {
    clearTimeout(this.#asking);
    this.#askAgain(this.#parts.rooms.chatIds());
  }

  #stateChanged(state: BusState): void {
    clearTimeout(this.#asking);
    if (state === "up") {
      this.#parts.rosters.waitForAll();
      this.askAll();
    }
    this.#onState(state);
  }

  #askAgain(chatIds: number[]): void {
    const { rosters, answers } = this.#parts;
    for (const chatId of chatIds.slice(0, askedMax)) {
      rosters.open(chatId);
      answers.ask(chatId);
    }
    const left = chatIds.slice(askedMax);
    if (left.length > 0) this.#asking = setTimeout(() => this.#askAgain(left), askPauseMs);
  }
}

/** Cuts a text between characters. An empty one is one piece. */
function* piecesOf(text: string): Generator<{ offset: number; chunk: string }> {
  let offset = 0;
  do {
    const isCut = /[\uD800-\uDBFF]/.test(text[offset + pieceMax - 1] ?? "");
    const chunk = text.slice(offset, offset + pieceMax - (isCut ? 1 : 0));
    yield { offset, chunk };
    offset += chunk.length;
  } while (offset < text.length);
}
