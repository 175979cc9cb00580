// The texts, as far as this server was sent them, of the answers that other servers run in the rooms of this one. They are sent
// to people who join such a room. A piece that was lost leaves a hole: no later piece is shown until the whole text has come again.
import type { Logger } from "pino";
import type { BusLink } from "../bus/bus-link.ts";
import type { HeaderOf } from "../bus/envelope.ts";
import { BotStreamFrame } from "../wire/frames.ts";
import { FrameText } from "../wire/frame-text.ts";
import { mergedAnswer } from "../wire/merged-frames.ts";
import { wholeTextFrame, type NumberedFrame } from "../wire/numbered-frames.ts";
import { RecentIds } from "./recent-ids.ts";
import type { Rooms } from "./rooms.ts";

/** The texts of a chat are asked for once in this interval at most. */
const askMs = 250;
/** Answers that are remembered as ended, or as this server's own. */
const rememberedMax = 10_000;

/** An answer that another server runs. */
export interface AnswerElsewhere {
  readonly chatId: number;
  readonly messageId: number;
  readonly seq: number;
  readonly createdAt: string;
  readonly text: string;
}

interface Answer extends AnswerElsewhere {
  text: string;
  attempt: number;
  /** Whether the answer is known not to have ended as of the frames that the room has released. */
  isLive: boolean;
  /** Whether a piece of the text was lost. */
  hasHole: boolean;
}

export interface AnswersElsewhereParts {
  link: BusLink;
  rooms: Rooms;
  /** Whether an answer is still streaming, as the database has it. */
  isStreaming: (messageId: number) => Promise<boolean>;
  /** The attempt under which this server runs an answer; undefined if it does not. */
  attemptHere: (messageId: number) => number | undefined;
  /** Is called when this server has lost an answer to another one. */
  onTakenOver: (messageId: number) => void;
  log: Logger;
}

export class AnswersElsewhere {
  readonly #parts: AnswersElsewhereParts;
  readonly #answers = new Map<number, Answer>();
  readonly #ended = new RecentIds(rememberedMax);
  /** Answers that this server has run. */
  readonly #own = new RecentIds(rememberedMax);
  /** Chats whose texts were asked for a moment ago. */
  readonly #asked = new Map<number, ReturnType<typeof setTimeout>>();

  constructor(parts: AnswersElsewhereParts) {
    this.#parts = parts;
  }

  /** The answers of a chat that other servers run, and whose first frame is among the room's numbers up to `position`. */
  inChat(chatId: number, position: number): AnswerElsewhere[] {
    return [...this.#answers.values()]
      .filter((answer) => answer.isLive && answer.chatId === chatId && answer.seq <= position)
      .sort((a, b) => a.seq - b.seq);
  }

  /** An answer runs here from now on. Its first frame may have been released already, or be released when it has ended. */
  runsHere(messageId: number): void {
    this.#own.add(messageId);
    this.#answers.delete(messageId);
  }

  /** Takes a piece of an answer from the bus. @param text the frame's */
  receive(header: HeaderOf<"chunk">, text: string): void {
    const { chat: chatId, id, attempt, offset } = header;
    const room = this.#parts.rooms.find(chatId);
    if (!room || this.#ended.has(id)) return;
    const here = this.#parts.attemptHere(id);
    if (here !== undefined) {
      if (here >= attempt) return;
      this.#parts.onTakenOver(id);
    }
    const answer = this.#answers.get(id) ?? this.#begin(header);
    if (attempt < answer.attempt) return;
    const chunk = readChunk(text);
    if (chunk === undefined || header.length !== offset + chunk.length) return;
    if (offset > 0 && (attempt > answer.attempt || offset > answer.text.length)) {
      answer.hasHole = true;
      return this.ask(chatId);
    }
    if (offset > 0 && offset < answer.text.length) return;
    answer.attempt = attempt;
    answer.text = offset === 0 ? chunk : answer.text + chunk;
    if (offset === 0) answer.hasHole = false;
    if (!answer.isLive) return;
    const isWhole = offset === 0 || header.isGrown;
    room.send(
      new FrameText({ serialised: text, isListed: false }, isWhole ? merged(answer) : undefined),
      {
        after: answer.seq,
      },
    );
  }

  /** A room has released a frame: an answer has begun with it, or ended. */
  released(chatId: number, { shape, answer: told, seq }: NumberedFrame): void {
    if (!told) return;
    const { id, createdAt } = told;
    if (shape === "last") {
      this.#end(id);
      // One that has ended here runs no longer. Another server had taken this one over, and none of its pieces has come.
      if (this.#parts.attemptHere(id) !== undefined) this.#parts.onTakenOver(id);
    } else if (!this.#own.has(id) && !this.#ended.has(id)) {
      const answer = this.#answers.get(id) ?? newAnswer({ chatId, messageId: id, seq, createdAt });
      this.#answers.set(id, answer);
      this.#show(answer);
    }
  }

  /** Whether the room was shown all of an answer; if not, its last frame has to follow the whole text. */
  isComplete(messageId: number, length: number): boolean {
    const answer = this.#answers.get(messageId);
    return answer?.isLive === true && answer.text.length === length;
  }

  /** Requests the whole texts of a chat's answers from the servers that run them, and again while one has a gap: a request may be lost, too. */
  ask(chatId: number): void {
    if (this.#asked.has(chatId)) return;
    const { link } = this.#parts;
    link.send(link.subjects.of("answers", chatId), { kind: "texts", chat: chatId });
    const timer = setTimeout(() => {
      this.#asked.delete(chatId);
      if (this.#hasHole(chatId)) this.ask(chatId);
    }, askMs);
    this.#asked.set(chatId, timer);
  }

  /** Nobody has joined the room here any more. */
  close(chatId: number): void {
    clearTimeout(this.#asked.get(chatId));
    this.#asked.delete(chatId);
    for (const [id, answer] of this.#answers)
      if (answer.chatId === chatId) this.#answers.delete(id);
  }

  #begin({ chat: chatId, id, after: seq, createdAt }: HeaderOf<"chunk">): Answer {
    const answer = newAnswer({ chatId, messageId: id, seq, createdAt });
    this.#answers.set(id, answer);
    const { rooms } = this.#parts;
    const position = rooms.position(chatId);
    // Its end has a higher number than its beginning, which the room has not reached yet.
    if (position !== undefined && seq > position) answer.isLive = true;
    // A room that has not started yet may start with its end, which a look before that would not have found.
    else rooms.callAfter(chatId, seq, () => void this.#check(answer));
    return answer;
  }

  /** Finds out whether an answer that was not known has ended before: a piece of it may have come late. */
  async #check(answer: Answer): Promise<void> {
    const { isStreaming, log } = this.#parts;
    const { messageId } = answer;
    if (answer.isLive) return;
    try {
      const isRunning = await isStreaming(messageId);
      if (this.#answers.get(messageId) !== answer || answer.isLive) return;
      if (!isRunning) return this.#end(messageId);
      this.#show(answer);
      // Pieces before the first one that came are missing.
      if (answer.attempt > 0) return;
      answer.hasHole = true;
      this.ask(answer.chatId);
    } catch (error) {
      log.warn({ err: error, messageId }, "an answer of another server could not be looked up");
      this.#answers.delete(messageId);
    }
  }

  #hasHole(chatId: number): boolean {
    return this.#answers.values().some((answer) => answer.hasHole && answer.chatId === chatId);
  }

  /** From now on the room is shown an answer, and the text that came before. */
  #show(answer: Answer): void {
    if (answer.isLive) return;
    answer.isLive = true;
    if (answer.attempt === 0) return;
    const { chatId, messageId, text, seq } = answer;
    const frame = new FrameText(wholeTextFrame(chatId, messageId, text), merged(answer));
    this.#parts.rooms.find(chatId)?.send(frame, { after: seq });
  }

  #end(messageId: number): void {
    this.#answers.delete(messageId);
    this.#ended.add(messageId);
  }
}

function newAnswer(known: Omit<AnswerElsewhere, "text">): Answer {
  return { ...known, text: "", attempt: 0, isLive: false, hasHole: false };
}

function readChunk(text: string): string | undefined {
  try {
    return BotStreamFrame.safeParse(JSON.parse(text)).data?.chunk;
  } catch {
    return undefined;
  }
}

function merged(answer: Answer) {
  const { messageId: id, chatId, createdAt, text } = answer;
  return () => mergedAnswer({ id, chatId, createdAt, text });
}
