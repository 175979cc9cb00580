import type { JoinedFrame, MessageFrame } from "../wire/frames.ts";
import type { ServerFrame } from "../wire/server-frames.ts";
import type { Api } from "./api.ts";
import type { PauseMs } from "./close-plans.ts";
import type { Connection } from "./connection.ts";
import { EarlyFrames } from "./early-frames.ts";
import { loadRoom } from "./history.ts";
import { messageOf } from "./message-states.ts";
import { asProblemError, problemOfFrame, type ProblemError } from "./problem-error.ts";
import { numberOf, type Misfit, type RoomLog } from "./room-log.ts";
import type { RoomState } from "./room-snapshot.ts";
import { Timer } from "./timer.ts";
import type { Timing } from "./timing.ts";
import type { z } from "zod";

/** Frames that are kept at most while the room is being loaded. */
const framesMax = 1_000;

type Phase = "offline" | "joining" | "loading" | "live" | "gone";

export interface RoomSyncOptions {
  chatId: number;
  log: RoomLog;
  api: Pick<Api, "getChat" | "listParticipants" | "listMessages">;
  connection: Pick<Connection, "isOpen" | "request">;
  timing: Timing;
  pauseMs: PauseMs;
  on: {
    /** A frame was applied to the log. */
    applied(frame: ServerFrame, misfit: Misfit): void;
    /** The log has everything up to a number. */
    reached(position: number): void;
    change(): void;
  };
}

/**
 * Keeps the log of one room complete. The room's numbers 1, 2, 3 … show what is missing: a frame that comes too early
 * waits for the frames before it, and if these do not come, the client joins again after the last number that it has.
 */
export class RoomSync {
  readonly #options: RoomSyncOptions;
  #phase: Phase = "offline";
  #isLoaded = false;
  /** The present join only checks whether a frame was lost: people need not be told. */
  #isCheck = false;
  /** The log has everything up to this number. */
  #position = 0;
  /** The highest number that the room is known to have reached. */
  #expected = 0;
  /** A running answer lacks a part of its text. */
  #hasHole = false;
  /** Increases with each phase, so that replies to a previous one are recognised. */
  #epoch = 0;
  #tries = 0;
  #problem: ProblemError | undefined;
  readonly #early = new EarlyFrames();
  /** Numbers of changes that the running replay has brought. */
  readonly #replayed = new Set<number>();
  /** Frames that were received while the room is being loaded. */
  #queue: ServerFrame[] = [];
  readonly #timer = new Timer();
  readonly #gapTimer = new Timer();

  constructor(options: RoomSyncOptions) {
    this.#options = options;
  }

  get problem(): ProblemError | undefined {
    return this.#problem;
  }

  get position(): number {
    return this.#position;
  }

  get state(): RoomState {
    if (this.#phase === "gone") return "gone";
    if (!this.#isLoaded) return this.#options.connection.isOpen ? "loading" : "offline";
    if (this.#phase === "joining" && this.#isCheck) return "live";
    return this.#phase === "live" || this.#phase === "offline" ? this.#phase : "catching_up";
  }

  join(isCheck = false): void {
    const { connection, chatId, timing } = this.#options;
    if (!connection.isOpen) return;
    this.#isCheck = isCheck;
    this.#hasHole = false;
    // The reply tells how far the room is: everything that is known by now is included.
    this.#expected = 0;
    this.#replayed.clear();
    for (const frame of this.#early.list()) if (frame.type === "message") this.#replay(frame);
    const epoch = this.#enter("joining");
    const after_seq = this.#isLoaded ? this.#position : undefined;
    connection.request({ type: "join", chat_id: chatId, after_seq }, timing.replyMs, (reply) => {
      if (epoch !== this.#epoch) return;
      if (reply?.type === "joined") this.#joined(reply);
      else if (reply?.type === "error") this.#refused(problemOfFrame(reply));
      // The socket is lost, or the reply did not come in time.
      else this.#retry();
    });
  }

  receive(frame: ServerFrame): void {
    if (this.#phase === "loading") {
      if (this.#queue.push(frame) > framesMax) this.join();
      return;
    }
    if (this.#phase !== "live" && this.#phase !== "joining") return;
    const number = numberOf(frame);
    if (this.#phase === "joining" && frame.type === "message") this.#replay(frame);
    if (number !== undefined && number > this.#position) this.#early.add(number, frame);
    if (this.#phase === "live" && number === undefined) this.#apply(frame);
    else if (this.#phase === "live") this.#release();
  }

  /** The room has reached a number. @returns whether the log lacks it */
  expect(seq: number): boolean {
    this.#expected = Math.max(this.#expected, seq);
    this.#awaitGap();
    return seq > this.#position;
  }

  /** The socket is lost, or the room closed. */
  lose(): void {
    this.#early.clear();
    this.#enter(this.#phase === "gone" ? "gone" : "offline");
  }

  #enter(phase: Phase): number {
    this.#epoch += 1;
    this.#phase = phase;
    this.#queue = [];
    this.#timer.clear();
    this.#gapTimer.clear();
    this.#options.on.change();
    return this.#epoch;
  }

  #refused(problem: ProblemError) {
    this.#problem = problem;
    if (problem.code !== "not_found") return this.#retry(problem.retryAfterSeconds);
    this.#isLoaded = false;
    this.#early.clear();
    this.#enter("gone");
  }

  /** Joins again, after a pause of at least as many seconds. */
  #retry(seconds = 0) {
    const { pauseMs, on } = this.#options;
    this.#isCheck = false;
    this.#timer.set(Math.max(seconds * 1_000, pauseMs(this.#tries)), () => this.join());
    this.#tries += 1;
    on.change();
  }

  #joined(frame: z.infer<typeof JoinedFrame>) {
    const { log } = this.#options;
    if (frame.chat) this.#replayed.add(frame.chat.updated_seq);
    if (!this.#isLoaded || !frame.recovered || !this.#hasReplayed(frame)) {
      log.greet({ ...frame, chat: undefined, participants: undefined });
      return this.#load(frame.last_seq);
    }
    log.greet(frame);
    this.#settle(Math.max(this.#position, frame.last_seq));
  }

  /** False if the network has lost a frame of the replay. */
  #hasReplayed({ last_seq, superseded = 0 }: z.infer<typeof JoinedFrame>): boolean {
    const missed = [...this.#replayed].filter((seq) => seq > this.#position && seq <= last_seq);
    return missed.length + superseded >= last_seq - this.#position;
  }

  /** The log has everything up to a number, and frames are applied as they come. */
  #settle(reached: number) {
    if (reached > this.#position) this.#tries = 0;
    this.#isLoaded = true;
    this.#problem = undefined;
    this.#enter("live");
    this.#advance(reached);
    this.#release();
    const checkMs = this.#options.timing.resyncMs * (0.75 + Math.random() / 2);
    this.#timer.set(checkMs, () => this.join(true));
  }

  #advance(reached: number) {
    this.#options.on.reached((this.#position = reached));
  }

  /** Loads everything again over HTTP. The socket is joined already: its frames are applied afterwards. */
  #load(reached: number) {
    const { api, chatId, log } = this.#options;
    const epoch = this.#enter("loading");
    this.#queue = this.#early.list();
    this.#early.clear();
    loadRoom(api, chatId, log.shown.messages.length).then(
      (loaded) => {
        if (epoch !== this.#epoch) return;
        const frames = this.#queue;
        log.load(loaded);
        this.#settle(reached);
        frames.forEach((frame) => this.receive(frame));
      },
      (error) => {
        if (epoch === this.#epoch) this.#refused(asProblemError(error));
      },
    );
  }

  #replay(frame: z.infer<typeof MessageFrame>) {
    const message = messageOf(frame);
    this.#replayed.add(message.seq).add(message.updated_seq);
    if (this.#isLoaded) this.#options.log.put(message);
  }

  /** Applies the frames whose numbers follow, and waits a moment for those that are missing. */
  #release() {
    this.#early.dropUpTo(this.#position);
    let frame: ServerFrame | undefined;
    while ((frame = this.#early.take(this.#position + 1))) {
      this.#advance(this.#position + 1);
      this.#tries = 0;
      this.#apply(frame);
    }
    this.#awaitGap();
  }

  #isIncomplete = () => this.#early.size > 0 || this.#expected > this.#position || this.#hasHole;

  #apply(frame: ServerFrame) {
    const { log, on } = this.#options;
    const misfit = log.apply(frame);
    if (misfit === "hole") {
      this.#hasHole = true;
      this.#awaitGap();
    }
    on.applied(frame, misfit);
  }

  #awaitGap() {
    const { timing, pauseMs } = this.#options;
    if (this.#gapTimer.isSet || this.#phase !== "live" || !this.#isIncomplete()) return;
    const ms = this.#tries === 0 ? timing.gapMs : Math.max(timing.gapMs, pauseMs(this.#tries));
    this.#gapTimer.set(ms, () => {
      if (!this.#isIncomplete()) return;
      this.#tries += 1;
      this.join();
    });
  }
}
