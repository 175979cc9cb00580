import type { ServerFrame } from "../wire/server-frames.ts";
import { planOf, wordOf, type ClosePlan, type PauseMs } from "./close-plans.ts";
import type { LinkState, SocketConstructor, SocketLike } from "./connection-state.ts";
import { asProblemError } from "./problem-error.ts";
import { Requests, type Replied, type Sendable } from "./requests.ts";
import type { ClientSession } from "./session.ts";
import { Timer } from "./timer.ts";
import type { Timing } from "./timing.ts";
import { renewableInMs } from "./tokens.ts";

/** The server closes a socket that has not authenticated within 5 s: a new socket is better than a refusal. */
const authMsMax = 4_000;

export interface ConnectionOptions {
  /** The address of the server's `/ws`. */
  url: string;
  WebSocket: SocketConstructor;
  session: Pick<ClientSession, "tokens" | "renewed" | "isSuperseded" | "end">;
  timing: Timing;
  pauseMs: PauseMs;
  on: {
    open(): void;
    frame(frame: ServerFrame): void;
    lost(): void;
    change(): void;
  };
}

/** One socket at a time, reopened whenever it is lost: its state, heartbeat and token, and the replies to requests. */
export class Connection {
  readonly #options: ConnectionOptions;
  #link: LinkState = { state: "offline", reason: undefined, retryAtMs: undefined };
  #socket: SocketLike | undefined;
  #accessToken = "";
  /** The tokens are new because the server refused the previous ones. */
  #isReplaced = false;
  #isWanted = false;
  #tries = 0;
  #openedAtMs = Infinity;
  /** Increases with each socket, so that events of a previous one are recognised. */
  #epoch = 0;
  /** The timer of the present state: the handshake, the next heartbeat, or the next try. */
  readonly #timer = new Timer();
  readonly #renewTimer = new Timer();
  readonly #requests = new Requests((frame) => this.#send(frame));

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get link(): LinkState {
    return this.#link;
  }

  get isOpen(): boolean {
    return this.#link.state === "open";
  }

  connect(): void {
    this.#isWanted = true;
    if (this.#link.state !== "offline") return;
    this.#tries = 0;
    void this.#open();
  }

  disconnect(reason: "bye" | "signed_out"): void {
    this.#isWanted = false;
    if (this.#link.state !== "offline" || this.#link.retryAtMs !== undefined) {
      this.#lose("stop", reason);
    }
  }

  /** The network is back, or the page is visible again: a retry that is planned for later starts now. */
  wake(): void {
    if (this.isOpen) this.#ping();
    else if (this.#link.state === "offline" && this.#isWanted) void this.#open();
  }

  /** The socket is open but of no use yet: another one is opened after a pause. */
  lose(reason: string): void {
    if (this.isOpen) this.#lose("retry", reason);
  }

  /** Sends a frame that has no reply, if the socket is open. */
  post(frame: Sendable): void {
    if (this.isOpen) this.#send(frame);
  }

  /** Sends a frame that has one reply. The socket has to be open. */
  request(frame: Sendable, timeoutMs: number, replied: Replied): void {
    this.#requests.send(frame, timeoutMs, replied);
  }

  #enter(state: LinkState["state"], reason?: string, retryAtMs?: number) {
    this.#link = { state, reason, retryAtMs };
    this.#options.on.change();
  }

  async #open() {
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#timer.clear();
    this.#enter("connecting", this.#link.reason);
    try {
      const held = await this.#options.session.tokens();
      if (epoch !== this.#epoch) return;
      this.#accessToken = held.access_token;
      this.#dial(epoch);
    } catch (error) {
      if (epoch !== this.#epoch) return;
      const { code } = asProblemError(error);
      const isOver = /^(signed_out|invalid_token)$/.test(code);
      this.#lose(isOver ? "stop" : "retry", code);
    }
  }

  #dial(epoch: number) {
    const { WebSocket, url, timing } = this.#options;
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#timer.set(timing.replyMs, () => this.#lose("retry", "lost"));
    socket.addEventListener("open", () => {
      if (epoch === this.#epoch) this.#authenticate();
    });
    socket.addEventListener("message", (event) => {
      if (epoch === this.#epoch) this.#receive(event);
    });
    // The event `close` follows.
    socket.addEventListener("error", () => {});
    socket.addEventListener("close", (event) => {
      if (epoch !== this.#epoch) return;
      const code = "code" in event ? Number(event.code) : 1006;
      const reason = "reason" in event ? String(event.reason) : "";
      this.#lose(planOf(code, reason), wordOf(reason) || "lost");
    });
  }

  /** Sends the token in a frame: a token in the address would be written into logs. */
  #authenticate() {
    this.#timer.clear();
    this.#sendToken(Math.min(authMsMax, this.#options.timing.replyMs), (reply) => {
      // The server closes a socket whose token it refuses, with a reason.
      if (this.#link.state !== "connecting" || reply?.type === "error") return;
      if (!reply) return this.#lose("retry", "lost");
      this.#openedAtMs = Date.now();
      this.#isReplaced = false;
      this.#enter("open");
      this.#beat();
      void this.#renewInTime();
      this.#options.on.open();
    });
  }

  #sendToken(timeoutMs: number, replied: Replied) {
    this.#requests.send({ type: "auth", token: this.#accessToken }, timeoutMs, replied);
  }

  #receive(event: object) {
    if (this.isOpen) this.#beat();
    const frame = frameOf("data" in event && event.data);
    if (frame && !this.#requests.receive(frame)) this.#options.on.frame(frame);
  }

  /** The socket is lost, or has to be closed. */
  #lose(plan: ClosePlan, reason: string) {
    const { pauseMs, timing, session, on } = this.#options;
    this.#epoch += 1;
    // A browser may take minutes to notice that the server is unreachable: its `close` event is not waited for.
    this.#socket?.close();
    this.#socket = undefined;
    this.#timer.clear();
    this.#renewTimer.clear();
    if (Date.now() - this.#openedAtMs >= timing.stableMs) this.#tries = 0;
    this.#openedAtMs = Infinity;
    const isEnd = !this.#isWanted || plan === "stop" || (plan === "replace" && this.#isReplaced);
    const isRefused = isEnd && this.#isWanted && /^(revoked|invalid_token)$/.test(reason);
    // Another client that shares the tokens may have newer ones: then this one goes on with them.
    const stops = isEnd && !(isRefused && session.isSuperseded(this.#accessToken));
    const ms = pauseMs(this.#tries, plan);
    this.#tries += 1;
    this.#isWanted = !stops;
    this.#enter("offline", reason, stops ? undefined : Date.now() + ms);
    this.#requests.abort();
    on.lost();
    if (!stops) this.#timer.set(ms, () => this.#reopen(plan));
    else if (isRefused) session.end();
  }

  #reopen(plan: ClosePlan) {
    if (plan !== "renew" && plan !== "replace") return void this.#open();
    const epoch = this.#epoch;
    const open = () => epoch === this.#epoch && void this.#open();
    const renewed = this.#options.session.renewed(this.#accessToken).then(() => {
      this.#isReplaced ||= plan === "replace";
    });
    // If the renewal has failed, `#open` finds the reason.
    renewed.then(open, open);
  }

  /** The server was heard. A timer, unlike the clock, can't be put back. */
  #beat() {
    this.#timer.set(this.#options.timing.pingMs, () => this.#ping());
  }

  /** Asks the server for a sign of life. Any frame counts as one. */
  #ping() {
    const epoch = this.#epoch;
    this.#timer.clear();
    this.#requests.send({ type: "ping" }, this.#options.timing.replyMs, () => {
      if (epoch === this.#epoch && !this.#timer.isSet) this.#lose("retry", "lost");
    });
  }

  async #renewInTime() {
    const { session, timing } = this.#options;
    const epoch = this.#epoch;
    const held = await session.tokens().catch(() => {});
    if (epoch !== this.#epoch || !this.isOpen || !held) return;
    if (held.access_token !== this.#accessToken) {
      this.#accessToken = held.access_token;
      this.#sendToken(timing.replyMs, (reply) => {
        if (epoch === this.#epoch && reply?.type !== "ack") this.#lose("renew", "invalid_token");
      });
    }
    // A renewal that has failed is tried again until the token expires.
    this.#renewTimer.set(Math.max(renewableInMs(held), 1_000), () => void this.#renewInTime());
  }

  #send(frame: Sendable & { request_id?: number }) {
    this.#socket?.send(JSON.stringify(frame));
  }
}

function frameOf(data: unknown): ServerFrame | undefined {
  try {
    const frame = JSON.parse(String(data));
    if (frame?.type) return frame;
  } catch {
    // Something other than this server has sent it.
  }
}
