// The log of a room as a list of numbers, and what follows from it for everyone who listens: a few lines, to hold the
// server against.
import type { Reaction as ShownReaction } from "../../../src/wire/messages.ts";
import type { Frame } from "../../world/socket.ts";

export interface Reaction {
  kind: "reaction";
  messageId: number;
  userId: number;
  emoji: string;
  on: boolean;
  count: number;
}

export type Entry =
  | { kind: "message"; messageId: number; content: string }
  | Reaction
  | { kind: "participant_added" | "participant_removed"; userId: number };

/** One socket's frames, with what its client asked of the room between them. */
export interface Hearing {
  userId: number;
  frames: readonly Frame[];
  asked: Asked[];
}

export interface Asked {
  type: "join" | "leave";
  /** How many frames had come when it was asked, and how many when it was answered, that one not counted. */
  sentAt: number;
  answeredAt: number;
  afterSeq: number | undefined;
  /** It was refused: the socket does not hear the room any more. */
  refused: boolean;
  /** The room's number when it was asked. */
  lastSeq: number;
}

const numbered = ["message", "reaction", "participant_added", "participant_removed"];

export function createModel() {
  const entries: Entry[] = [];
  const at = (number: number) => entries[number - 1];

  function faultOf(frame: Frame, number: number): string | undefined {
    const entry = at(number);
    const has = Number(frame.updated_seq);
    if (has !== number) return `${frame.type} ${has} came instead of ${number}`;
    if (frame.type !== entry?.kind) return `${frame.type} came as ${number}, not ${entry?.kind}`;
    if (entry.kind === "reaction") {
      const { kind: _, messageId: message_id, userId: user_id, ...same } = entry;
      const fits = Bun.deepEquals({ ...frame, ...same, message_id, user_id }, frame);
      return fits ? undefined : `another reaction came as ${number}`;
    }
    if (entry.kind !== "message") return undefined;
    const fits = frame.message_id === entry.messageId && frame.content === entry.content;
    return fits ? undefined : `another message came as ${number}`;
  }

  /** The reactions of a message when the log had reached a number, in the form of the wire. */
  function reactionsAt(messageId: number, upTo: number): ShownReaction[] {
    const people = new Map<string, number[]>();
    for (const entry of entries.slice(0, upTo)) {
      if (entry.kind !== "reaction" || entry.messageId !== messageId) continue;
      const { emoji, userId, on } = entry;
      const others = (people.get(emoji) ?? []).filter((id) => id !== userId);
      if (on || others.length > 0) people.set(emoji, on ? [...others, userId] : others);
      else people.delete(emoji);
    }
    return Array.from(people, ([emoji, user_ids]) => ({ emoji, count: user_ids.length, user_ids }));
  }

  /** Messages that are new or changed above a number, each with its own number and that of its last change. */
  function missedBetween(afterSeq: number, upTo: number) {
    const missed = new Map<number, { seq: number; number: number; content: string }>();
    entries.slice(0, upTo).forEach((entry, index) => {
      const number = index + 1;
      if (entry.kind === "message") {
        missed.set(entry.messageId, { seq: number, number, content: entry.content });
      } else if (entry.kind === "reaction") {
        const message = missed.get(entry.messageId);
        if (message) message.number = number;
      }
    });
    return [...missed]
      .filter(([, { number }]) => number > afterSeq)
      .toSorted(([, one], [, other]) => one.number - other.number);
  }

  /** Frames from one number on, each the next of the log. */
  function faultOfRun(frames: readonly Frame[], from: number): string | undefined {
    const faults = frames.map((frame, index) => faultOf(frame, from + index));
    return faults.find((fault) => fault !== undefined);
  }

  function faultOfReplay(frames: readonly Frame[], afterSeq: number | undefined, upTo: number) {
    const missed = afterSeq === undefined ? [] : missedBetween(afterSeq, upTo);
    if (frames.length !== missed.length) {
      return `${frames.length} messages were replayed, not ${missed.length}`;
    }
    return missed
      .map(([message_id, { seq, number, content }], index) => {
        const reactions = reactionsAt(message_id, upTo);
        const shown = { type: "message", message_id, seq, updated_seq: number, content, reactions };
        const frame = frames[index];
        const fits = Bun.deepEquals({ ...frame, ...shown }, frame);
        return fits ? undefined : `message ${message_id} was replayed in another state`;
      })
      .find(Boolean);
  }

  /**
   * Accepts any split of the frames that arrive during a repeated join into live frames and the replay after them.
   * Frames that arrived live before the replay must not arrive live again after it.
   */
  function faultOfJoin(
    frames: readonly Frame[],
    position: number | undefined,
    ask: Asked,
    upTo: number,
  ): string | undefined {
    if (position === undefined) return faultOfReplay(frames, ask.afterSeq, upTo);
    const splits = Math.min(frames.length, upTo - position) + 1;
    const faults = Array.from(
      { length: splits },
      (_, split) =>
        faultOfRun(frames.slice(0, split), position + 1) ??
        faultOfReplay(frames.slice(split), ask.afterSeq, upTo),
    );
    return faults.includes(undefined) ? undefined : faults[0];
  }

  return {
    get lastSeq() {
      return entries.length;
    },
    add(entry: Entry) {
      entries.push(entry);
    },
    reactionsAt,

    /** Why a reaction can't be the next of the log. */
    faultOfReaction({ messageId, emoji, userId, on, count }: Reaction): string | undefined {
      const shown = reactionsAt(messageId, entries.length).find((each) => each.emoji === emoji);
      const { user_ids = [] } = shown ?? {};
      if (user_ids.includes(userId) === on) return "a reaction that changed nothing took a number";
      return count === user_ids.length + (on ? 1 : -1) ? undefined : `a reaction counted ${count}`;
    },

    /** Why a socket did not hear exactly what it should have. @param isOpen it is, and has heard everything sent to it */
    faultOfHearing({ userId, frames, asked }: Hearing, isOpen: boolean): string | undefined {
      let position: number | undefined;
      let next = 0;
      const isOwnRemoval = (number: number) => {
        const entry = at(number);
        return entry?.kind === "participant_removed" && entry.userId === userId;
      };
      const roomFrames = (from: number, to: number) =>
        frames.slice(from, to).filter(({ type }) => numbered.includes(type));
      const hearLive = (to: number): string | undefined => {
        const live = roomFrames(next, to);
        next = to;
        for (const frame of live) {
          if (position === undefined) return `${frame.type} came outside of a join`;
          const fault = faultOf(frame, position + 1);
          if (fault) return fault;
          position = isOwnRemoval(position + 1) ? undefined : position + 1;
        }
        return undefined;
      };
      for (const ask of asked) {
        const before = hearLive(ask.sentAt);
        if (before) return before;
        if (ask.type === "leave" || ask.refused) {
          const fault = hearLive(ask.answeredAt);
          if (fault) return fault;
          if (position !== undefined && position < ask.lastSeq) {
            return `left at ${position} without having heard ${ask.lastSeq}`;
          }
          position = undefined;
          continue;
        }
        const joined = frames[ask.answeredAt];
        const upTo = Number(joined?.last_seq);
        const during = roomFrames(next, ask.answeredAt);
        next = ask.answeredAt + 1;
        const fault = faultOfJoin(during, position, ask, upTo);
        if (fault) return fault;
        if (joined?.recovered !== true) return "not recovered";
        if (upTo < ask.lastSeq) return `joined at ${upTo}, behind ${ask.lastSeq}`;
        const changed = entries
          .slice(ask.afterSeq ?? entries.length, upTo)
          .some(({ kind }) => kind.startsWith("participant_"));
        if (changed && !joined.participants) return "joined without the members that changed";
        position = upTo;
      }
      const fault = hearLive(frames.length);
      if (fault) return fault;
      if (isOpen && position !== undefined && position !== entries.length) {
        return `heard up to ${position} of ${entries.length}`;
      }
      return undefined;
    },
  };
}
export type Model = ReturnType<typeof createModel>;
