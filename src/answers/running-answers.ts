import type { Answers, Ctx, RunningAnswer } from "../context.ts";
import type { AnswerPicture } from "../model/stream-answer.ts";
import { Problem } from "../wire/problems.ts";
import { AiChats } from "./ai-chats.ts";
import { FileUploads } from "./files/copies.ts";
import { InFlightQuestions } from "./in-flight-questions.ts";

/** The answers that run on this node. */
export class RunningAnswers implements Answers {
  readonly inFlight = new InFlightQuestions();
  readonly storing = new Set<number>();
  readonly summarising = new Set<number>();
  readonly aiChats = new AiChats();
  readonly fileUploads: FileUploads;
  readonly #keepPicture: Answers["keepPicture"];
  readonly #onRuns: (answer: RunningAnswer, isRunning: boolean) => void;
  readonly #running = new Map<number, RunningAnswer>();
  /** See {@link removeEnded}. */
  readonly #ended = new Set<RunningAnswer>();
  #slotsTaken = 0;
  #isClosing = false;
  #allReleased: PromiseWithResolvers<void> | undefined;

  /**
   * @param keepPicture stores a picture of an answer
   * @param fileWaitMs an answer waits so long for the model's copies of its files
   * @param onRuns is called with each answer that begins to run, and at its end
   */
  constructor({
    fileWaitMs,
    keepPicture,
    onRuns = () => {},
  }: {
    fileWaitMs?: number | undefined;
    keepPicture: Answers["keepPicture"];
    onRuns?: ((answer: RunningAnswer, isRunning: boolean) => void) | undefined;
  }) {
    this.#keepPicture = keepPicture;
    this.fileUploads = new FileUploads(fileWaitMs);
    this.#onRuns = onRuns;
  }

  async keepPicture(ctx: Ctx, picture: AnswerPicture): Promise<void> {
    await this.#keepPicture(ctx, picture);
  }

  takeSlot(): () => void {
    if (this.#isClosing) {
      throw new Problem("unavailable", "The server is restarting. Ask again in a moment.", {
        retryAfterSeconds: 5,
      });
    }
    return this.takeSlotOfResumed();
  }

  takeSlotOfResumed(): () => void {
    this.#slotsTaken += 1;
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#slotsTaken -= 1;
      if (this.#slotsTaken === 0) this.#allReleased?.resolve();
    };
  }

  add(answer: RunningAnswer): void {
    const before = this.#running.get(answer.messageId);
    before?.stop("abandoned");
    this.#running.set(answer.messageId, answer);
    if (!before) this.#onRuns(answer, true);
    // Its question was being stored while the server began to go down.
    if (this.#isClosing) answer.stop("handed_over");
  }

  remove(answer: RunningAnswer): void {
    if (this.#running.get(answer.messageId) !== answer) return;
    this.#running.delete(answer.messageId);
    this.#onRuns(answer, false);
  }

  removeEnded(answer: RunningAnswer): () => void {
    this.remove(answer);
    this.#ended.add(answer);
    return () => void this.#ended.delete(answer);
  }

  find(messageId: number): RunningAnswer | undefined {
    return this.#running.get(messageId);
  }

  runIds(): number[] {
    return Array.from(this.#running.values(), ({ lease }) => lease.id);
  }

  inChat(chatId: number, position: number): RunningAnswer[] {
    return [...this.#running.values(), ...this.#ended]
      .filter((answer) => answer.chatId === chatId && answer.seq <= position)
      .sort((a, b) => a.seq - b.seq);
  }

  noteEnded(messageId: number): void {
    const answer = this.#running.get(messageId);
    if (answer && !answer.isEnding) answer.stop("abandoned");
  }

  abandonChat(chatId: number): void {
    for (const answer of this.#running.values()) {
      if (answer.chatId === chatId) answer.stop("abandoned");
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    for (const answer of this.#running.values()) answer.stop("handed_over");
    if (this.#slotsTaken === 0) return;
    this.#allReleased ??= Promise.withResolvers();
    await this.#allReleased.promise;
  }
}
