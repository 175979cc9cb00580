// Takes what other servers send, and delivers it to the sockets of this one.
import type { BusLink, Received } from "../bus/bus-link.ts";
import type { Header, HeaderOf } from "../bus/envelope.ts";
import { FrameText } from "../wire/frame-text.ts";
import { receivedFrame } from "../wire/numbered-frames.ts";
import type { AnswersElsewhere } from "./answers-elsewhere.ts";
import type { LocalRealtime } from "./local-realtime.ts";
import type { Rosters } from "./rosters.ts";

export interface BusReceiverParts {
  link: BusLink;
  local: LocalRealtime;
  rosters: Rosters;
  answers: AnswersElsewhere;
  handlers: PeerHandlers;
  /** A server is back whose people were taken for gone. */
  onReturn: () => void;
}

/** Events of other servers whose cause is in the database, where each server looks for itself. */
export interface PeerHandlers {
  /** Whether a `typing` that another server has sent may be shown to the room now. */
  isTypingDue(chatId: number, userId: number, server: string): boolean;
  /** Somebody has read on in a chat. */
  readMoved(chatId: number, userId: number): void;
  /** A chat was deleted, perhaps. */
  chatEnded(chatId: number): void;
  /** Sessions that have perhaps ended. */
  sessionsEnded(ids: readonly string[]): void;
  /** Somebody wants an answer to stop. */
  stopRequested(messageId: number): void;
  /** The presence of people, or their profiles or blocks, have changed. */
  lookAt(what: "presence" | "people"): void;
  /** A person has perhaps changed whether others are shown that they are in a room. */
  visibilityChanged(userId: number): void;
  /** A server wants the texts of the answers that run in a chat. */
  textsWanted(chatId: number, server: string): void;
}

/** Messages that do the same when they come twice, and must be taken however late they come. */
const repeatable = new Set<Header["kind"]>(["numbered", "sessions", "stop", "ended"]);

export class BusReceiver {
  readonly #parts: BusReceiverParts;

  constructor(parts: BusReceiverParts) {
    this.#parts = parts;
  }

  receive(subject: string, payload: Uint8Array): void {
    const received = this.#parts.link.read(subject, payload);
    if (!received) return;
    const { header, isRepeated } = received;
    if (isRepeated && !repeatable.has(header.kind)) return;
    this.#deliver(header, received);
  }

  #deliver(header: Header, received: Received): void {
    const { local, rosters, answers, handlers } = this.#parts;
    switch (header.kind) {
      case "numbered":
        return this.#offer(header, received);
      case "passing":
        if (!isFrame(received.text) || !this.#isDue(header)) return;
        return local.pass(
          header.chat,
          new FrameText({ serialised: received.text, isListed: false }),
          { after: header.after, exceptUserId: header.except },
        );
      case "chunk":
        return answers.receive(header, received.text);
      case "beat":
        local.rooms.expect(header.chat, header.seq);
        return rosters.onBeat(header.chat, header.from, header.roster);
      case "came":
      case "went":
        return rosters.onMove(header);
      case "hello":
      case "rosterWanted":
        return rosters.reply(header.chat, header.from);
      case "roster":
        return rosters.onRoster(header, received.text);
      case "moved":
        return handlers.readMoved(header.chat, header.user);
      case "ended":
        return handlers.chatEnded(header.chat);
      case "activity":
      case "changed":
        return this.#list(header, received.text);
      case "texts":
        return handlers.textsWanted(header.chat, header.from);
      case "stop":
        return handlers.stopRequested(header.id);
      case "user":
        return this.#notify(header, received.text);
      case "alive":
        if (header.isLast) return rosters.forget(header.from);
        if (rosters.noteSign(header.from)) this.#parts.onReturn();
        return;
      case "look":
        return handlers.lookAt(header.at);
      case "shown":
        return handlers.visibilityChanged(header.user);
      case "sessions":
        return handlers.sessionsEnded(header.ids);
    }
  }

  #isDue({ chat, except: typistId, from, isTyping }: HeaderOf<"passing">): boolean {
    if (isTyping !== true || typistId === undefined) return true;
    return this.#parts.handlers.isTypingDue(chat, typistId, from);
  }

  #offer(header: HeaderOf<"numbered">, { text, isRepeated }: Received): void {
    const { local, answers } = this.#parts;
    const { chat, seq, shape, answer, members, removed: removedUserId } = header;
    // It was too large for the bus.
    if (!isFrame(text)) return local.rooms.expect(chat, seq);
    const frame = receivedFrame(text, { seq, shape, answer, members, removedUserId });
    const room = local.rooms.find(chat);
    const isLast = shape === "last" && answer !== undefined;
    if (room?.sequencer.awaits(seq) && isLast && !answers.isComplete(answer.id, answer.length)) {
      const whole = frame.catchUp?.();
      if (whole) room.send(whole, { after: seq - 1 });
    }
    local.offer(chat, frame, { isRepeated: isRepeated || header.isRepeated === true });
  }

  #list(header: HeaderOf<"activity"> | HeaderOf<"changed">, text: string): void {
    const { local } = this.#parts;
    if (!isFrame(text)) return;
    const { chat: chatId, number } = header;
    if (header.kind === "changed") return local.list(chatId, { seq: number }, () => text);
    const { seq, members, revises } = header;
    const activity = { chatId, seq, position: { seq: number, members }, text: () => text };
    if (revises === undefined) local.noteActivity(activity);
    else local.revise(activity, { isNewest: revises === "newest" });
  }

  #notify(
    { user, type, chatId, opens, ends, change, after }: HeaderOf<"user">,
    text: string,
  ): void {
    const { local } = this.#parts;
    if (!isFrame(text)) return;
    const notice = { type, chatId, text, opens, ends };
    if (after) local.notifyAll([user], notice, after);
    else local.notify(user, notice, change);
  }
}

/** A frame is not parsed; a text that is clearly none is not sent to anybody. */
function isFrame(text: string): boolean {
  return text.startsWith('{"type":"') && text.endsWith("}");
}
