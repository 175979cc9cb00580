// The people who have joined the rooms of this server on other servers. Each server tells the others of the people who come and go, and
// numbers what it tells: a number that is missing, or an old one in its next beat, lets a server ask for the whole roster.
import type { BusLink } from "../bus/bus-link.ts";
import { RosterPage, rosterPageMax, type HeaderOf } from "../bus/envelope.ts";
import type { Rooms } from "./rooms.ts";

/** A server asks another one for the same roster once in this interval at most. */
const askMs = 500;
/** A server that was silent for so long is gone, and its people with it. */
const silenceMsMax = 5_000;
/** Servers that are remembered as silent; beyond it the oldest is forgotten. */
const silentMax = 1_000;

interface Roster {
  /** The number of the last change that was told of it. */
  version: number;
  askedAtMs: number;
  readonly people: Map<number, string>;
}

export class Rosters {
  readonly #link: BusLink;
  readonly #rooms: Rooms;
  /** The number of the last change of this server's own people, by chat. */
  readonly #own = new Map<number, number>();
  #changes = 0;
  /** The rosters of other servers by chat and server. */
  readonly #theirs = new Map<number, Map<string, Roster>>();
  /** The time of the last message of each server, in the milliseconds of `performance.now()`. */
  readonly #heardAt = new Map<string, number>();
  /** Servers that were silent for so long that their people were taken for gone. */
  readonly #silent = new Set<string>();
  #lookedAt = performance.now();

  constructor(link: BusLink, rooms: Rooms) {
    this.#link = link;
    this.#rooms = rooms;
  }

  /** The number of the last change of this server's own people in a chat; 0 for none. */
  versionOf(chatId: number): number {
    return this.#own.get(chatId) ?? 0;
  }

  /** Asks the other servers who has joined a room. */
  open(chatId: number): void {
    this.#send(chatId, { kind: "hello", chat: chatId });
  }

  close(chatId: number): void {
    this.#own.delete(chatId);
    this.#theirs.delete(chatId);
  }

  /** Tells other servers that the first socket of a person has joined here, or the last one has left. */
  move(chatId: number, person: { userId: number; username: string }, isHere: boolean): void {
    const before = this.versionOf(chatId);
    const roster = (this.#changes += 1);
    this.#own.set(chatId, roster);
    const kind = isHere ? ("came" as const) : ("went" as const);
    this.#send(chatId, {
      kind,
      chat: chatId,
      before,
      roster,
      person: [person.userId, person.username],
    });
  }

  onMove({ kind, chat, from, before, roster, person }: HeaderOf<"came"> | HeaderOf<"went">): void {
    const theirs = this.#rosterOf(chat, from);
    if (!theirs || roster <= theirs.version) return;
    const isComplete = theirs.version === before;
    const [userId, username] = person;
    this.#apply(chat, from, theirs, { userId, username }, kind === "came");
    // Until the whole roster has come, the number that was missed is missing.
    if (isComplete) theirs.version = roster;
    else this.#ask(chat, from, theirs);
  }

  /** @param version the number of the last change that a server has told of */
  onBeat(chatId: number, from: string, version: number): void {
    const theirs = this.#rosterOf(chatId, from);
    if (theirs && theirs.version !== version) this.#ask(chatId, from, theirs);
  }

  /** Sends the people of a room to a server that asks for them. */
  reply(chatId: number, to: string): void {
    const people = this.#rooms.find(chatId)?.online.shownHere() ?? [];
    const pairs = people.map(({ userId, username }) => [userId, username]);
    for (let from = 0; from === 0 || from < pairs.length; from += rosterPageMax) {
      this.#link.send(
        this.#link.subjects.ofServer(to),
        { kind: "roster", chat: chatId, roster: this.versionOf(chatId), isFirst: from === 0 },
        JSON.stringify(pairs.slice(from, from + rosterPageMax)),
      );
    }
  }

  onRoster({ chat, from, roster, isFirst }: HeaderOf<"roster">, text: string): void {
    const theirs = this.#rosterOf(chat, from);
    const page = readPage(text);
    if (!theirs || !page) return;
    theirs.version = roster;
    const people = new Map(page);
    if (isFirst) {
      for (const [userId, username] of theirs.people) {
        if (!people.has(userId)) this.#apply(chat, from, theirs, { userId, username }, false);
      }
    }
    for (const [userId, username] of people) {
      this.#apply(chat, from, theirs, { userId, username }, true);
    }
  }

  /** Notes that a server has sent something. @returns whether it was taken for gone, so that its people have to be requested */
  noteSign(from: string): boolean {
    this.#heardAt.set(from, performance.now());
    return this.#silent.delete(from);
  }

  /** The people of a server that has stopped have left. */
  forget(server: string): void {
    this.#heardAt.delete(server);
    for (const [chatId, servers] of this.#theirs) {
      const theirs = servers.get(server);
      if (!theirs) continue;
      for (const [userId, username] of [...theirs.people]) {
        this.#apply(chatId, server, theirs, { userId, username }, false);
      }
      servers.delete(server);
    }
  }

  /** Forgets all other servers than these. */
  keepOnly(names: ReadonlySet<string>): void {
    const known = new Set(this.#theirs.values().flatMap((servers) => servers.keys()));
    for (const server of known.difference(names)) this.forget(server);
  }

  /** Forgets servers that were silent for long. Called about once a second while the bus is there. */
  forgetSilent(): void {
    const now = performance.now();
    const isLate = now - this.#lookedAt > silenceMsMax / 2;
    this.#lookedAt = now;
    // This server stood still, and what the others have said meanwhile is not read yet.
    if (isLate) return this.waitForAll();
    for (const [server, at] of this.#heardAt) {
      if (now - at <= silenceMsMax) continue;
      this.forget(server);
      this.#silent.add(server);
      const [oldest = server] = this.#silent;
      if (this.#silent.size > silentMax) this.#silent.delete(oldest);
    }
  }

  /** The bus was away, and so was every server. */
  waitForAll(): void {
    const now = performance.now();
    for (const server of this.#heardAt.keys()) this.#heardAt.set(server, now);
  }

  /** @returns undefined where nobody has joined the room here */
  #rosterOf(chatId: number, server: string): Roster | undefined {
    if (!this.#rooms.find(chatId)) return undefined;
    // It may be gone before its first sign of life is heard here.
    this.#heardAt.getOrInsertComputed(server, () => performance.now());
    const servers = this.#theirs.getOrInsertComputed(chatId, () => new Map());
    return servers.getOrInsertComputed(server, newRoster);
  }

  #apply(
    chatId: number,
    server: string,
    { people }: Roster,
    person: { userId: number; username: string },
    isThere: boolean,
  ): void {
    if (isThere) people.set(person.userId, person.username);
    else people.delete(person.userId);
    this.#rooms.find(chatId)?.online.moveElsewhere(server, person, isThere);
  }

  #ask(chatId: number, server: string, theirs: Roster): void {
    const now = performance.now();
    if (now - theirs.askedAtMs < askMs) return;
    theirs.askedAtMs = now;
    this.#link.send(this.#link.subjects.ofServer(server), { kind: "rosterWanted", chat: chatId });
  }

  #send(chatId: number, unsigned: Parameters<BusLink["send"]>[1]): void {
    this.#link.send(this.#link.subjects.of("chat", chatId), unsigned);
  }
}

function readPage(text: string) {
  try {
    return RosterPage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function newRoster(): Roster {
  return { version: 0, askedAtMs: -Infinity, people: new Map() };
}
