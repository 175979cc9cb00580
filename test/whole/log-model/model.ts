// The log of a room as a list of numbers, and what follows from it for everyone who listens: a few lines, to hold the
// server against. Profiles are not in it: a change of one takes no number of any room, and is read anew after a lost connection.
import type { Reaction as ShownReaction } from "../../../src/wire/messages.ts";
import type { Frame } from "../../world/socket.ts";
import { withReaction, type ErasedReaction, type Reaction } from "./reactions.ts";

/** A message that is sent, edited or deleted; a deleted message has the content "". */
export interface MessageEntry {
  kind: "message" | "message_updated";
  messageId: number;
  content: string;
}
export type Entry =
  | MessageEntry
  | Reaction
  | ErasedReaction
  | {
      kind: "participant_added" | "participant_removed" | "participant_updated";
      userId: number;
    };

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

const numbered = [
  "message",
  "message_updated",
  "reaction",
  "participant_added",
  "participant_removed",
  "participant_updated",
];

const isMessage = (entry: Entry): entry is MessageEntry =>
  entry.kind === "message" || entry.kind === "message_updated";

interface State {
  entry: MessageEntry;
  /** The number of the message's last change. */
  number: number;
  /** Undefined when some of them are not known any more. */
  reactions: readonly ShownReaction[] | undefined;
}

export function createModel() {
  const entries: Entry[] = [];
  const at = (number: number) => entries[number - 1];

  function faultOf(frame: Frame, number: number): string | undefined {
    const entry = at(number);
    const has = Number(frame.updated_seq);
    if (has !== number) return `${frame.type} ${has} came instead of ${number}`;
    if (entry?.kind === "reaction" || entry?.kind === "erased_reaction") {
      return faultOfReaction(frame, entry) && `${faultOfReaction(frame, entry)} came as ${number}`;
    }
    if (frame.type !== entry?.kind) return `${frame.type} came as ${number}, not ${entry?.kind}`;
    if (!isMessage(entry)) return undefined;
    if (frame.message_id !== entry.messageId) return `another message came as ${number}`;
    // A frame that is read from the log has the message in its latest state.
    const fits = entries
      .slice(number - 1)
      .some((later) => isMessage(later) && isState(frame, later));
    return fits ? undefined : `another text came as ${number}`;
  }

  function faultOfReaction(frame: Frame, entry: Reaction | ErasedReaction): string | undefined {
    const { messageId } = entry;
    if (frame.message_id !== messageId) return "a reaction to another message";
    // One that is read from the log after the message was deleted shows only that.
    if (frame.type === "message_updated") {
      const isDeleted = statesAt(entries.length).get(messageId)?.entry.content === "";
      return isDeleted && frame.content === "" ? undefined : "an edit instead of a reaction";
    }
    if (frame.type !== "reaction") return frame.type;
    if (entry.kind === "erased_reaction") return undefined;
    const { userId: user_id, emoji, on, count } = entry;
    const fits = Bun.deepEquals({ ...frame, user_id, emoji, on, count }, frame);
    return fits ? undefined : "another reaction";
  }

  function isState(frame: Frame, entry: MessageEntry): boolean {
    return (
      frame.message_id === entry.messageId &&
      frame.content === entry.content &&
      (frame.deleted_at !== null) === (entry.content === "")
    );
  }

  /** The state of every message at a number, by its id, with the number of its last change. */
  function statesAt(upTo: number): Map<number, State> {
    const states = new Map<number, State>();
    entries.slice(0, upTo).forEach((entry, index) => {
      if (!("messageId" in entry)) return;
      const number = index + 1;
      const state = states.get(entry.messageId);
      if (isMessage(entry)) {
        const reactions = entry.content === "" ? [] : state ? state.reactions : [];
        states.set(entry.messageId, { entry, number, reactions });
      } else if (state) {
        const reactions = state.reactions && after(state.reactions, entry);
        states.set(entry.messageId, { ...state, number, reactions });
      }
    });
    return states;
  }

  function after(shown: readonly ShownReaction[], entry: Reaction | ErasedReaction) {
    const changed = entry.kind === "reaction" ? withReaction(shown, entry) : undefined;
    return typeof changed === "string" ? undefined : changed;
  }

  /** Frames from one number on, each the next of the log. */
  function faultOfRun(frames: readonly Frame[], from: number): string | undefined {
    const faults = frames.map((frame, index) => faultOf(frame, from + index));
    return faults.find((fault) => fault !== undefined);
  }

  function faultOfReplay(frames: readonly Frame[], afterSeq: number | undefined, upTo: number) {
    const missed = [...statesAt(upTo).values()]
      .filter(({ number }) => afterSeq !== undefined && number > afterSeq)
      .sort((a, b) => a.number - b.number);
    if (frames.length !== missed.length) {
      return `${frames.length} messages were replayed, not ${missed.length}`;
    }
    const wrong = missed.find(({ entry, number, reactions }, index) => {
      const frame = frames[index];
      if (frame?.type !== "message" || frame.updated_seq !== number) return true;
      if (reactions && !Bun.deepEquals(frame.reactions, reactions)) return true;
      return !isState(frame, entry);
    });
    return wrong && `message ${wrong.entry.messageId} was replayed other than at ${wrong.number}`;
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
    /** The number with which a person came last; 0 for one who was there from the beginning. */
    joinedAt(userId: number): number {
      const isJoin = (entry: Entry) =>
        entry.kind === "participant_added" && entry.userId === userId;
      return entries.findLastIndex(isJoin) + 1;
    },
    add(entry: Entry) {
      entries.push(entry);
    },
    /** The content of a message at a number, by default at the end; "" when it was deleted. */
    contentOf(messageId: number, upTo = entries.length): string | undefined {
      return statesAt(upTo).get(messageId)?.entry.content;
    },
    /** The reactions of a message at the end; undefined when some of them are not known. */
    reactionsOf(messageId: number): readonly ShownReaction[] | undefined {
      return statesAt(entries.length).get(messageId)?.reactions;
    },
    lastChangeOf(messageId: number): number {
      return statesAt(entries.length).get(messageId)?.number ?? 0;
    },

    /**
     * The difference between what a socket has heard and what it should have heard, in words; undefined for none.
     * @param isOpen the socket is open, and has heard everything that was sent to it
     */
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
          .some((entry) => !("messageId" in entry));
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
