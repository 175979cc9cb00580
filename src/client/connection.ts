// One socket at a time, opened again whenever it is lost: its state, its heartbeat, its token, and replies to requests.
import type { ServerFrame } from "../wire/frames.ts";
import { createAlarm } from "./alarm.ts";
import { planOf, wordOf, type ClosePlan, type PauseMs } from "./close-plans.ts";
import { asProblemError } from "./problem-error.ts";
import { createRequests, type Sendable } from "./requests.ts";
import type { SessionInside } from "./session.ts";
import type { Timing } from "./timing.ts";

/** As much of the standard `WebSocket` as is used; that of the package `ws` will do as well. */
export interface SocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(
    type: "open" | "message" | "close" | "error",
    listener: (event: object) => void,
  ): void;
}
export type SocketConstructor = new (url: string) => SocketLike;

/**
 * - `connecting`: a socket is being opened
 * - `catching_up`: it is open, and not every open room has what it missed
 * - `live`: everything that happens is seen at once
 * - `offline`: there is no socket; `retryAtMs` says when the next try begins, if there is one
 */
export type ConnectionState = "connecting" | "catching_up" | "live" | "offline";

export interface LinkState {
  readonly state: "connecting" | "open" | "offline";
  /** Why there is no socket: a close reason of the contract (`restart`, `revoked` …), a problem's code, or `lost`. */
  readonly reason: string | undefined;
  /** By this machine's clock; undefined when nothing will be tried before `connect` is called. */
  readonly retryAtMs: number | undefined;
}

/** The server closes who is silent for 5 s after the handshake: rather a new socket than a refusal. */
const authMsMax = 4_000;
export type Connection = ReturnType<typeof createConnection>;

export function createConnection({
  url,
  WebSocket,
  session,
  timing,
  pauseMs,
  on,
}: {
  /** Of the server's `/ws`. */
  url: string;
  WebSocket: SocketConstructor;
  session: Pick<SessionInside, "tokens" | "renewed" | "renewableInMs" | "end">;
  timing: Timing;
  pauseMs: PauseMs;
  on: {
    open(): void;
    frame(frame: ServerFrame): void;
    lost(): void;
    change(): void;
  };
}) {
  let link: LinkState = { state: "offline", reason: undefined, retryAtMs: undefined };
  let socket: SocketLike | undefined;
  let accessToken = "";
  /** New tokens were got because the last ones were refused. */
  let replaced = false;
  let isWanted = false;
  let tries = 0;
  let openedAtMs = 0;
  let heardAtMs = 0;
  /** Grows with each socket, so that what belongs to an old one is known for it. */
  let turn = 0;
  /** What this state waits for: the handshake, the next heartbeat, the next try. */
  const alarm = createAlarm();
  const renewAlarm = createAlarm();
  const requests = createRequests(post);

  function become(state: LinkState["state"], reason?: string, retryAtMs?: number) {
    link = { state, reason, retryAtMs };
    on.change();
  }

  async function open() {
    turn += 1;
    const own = turn;
    alarm.clear();
    become("connecting", link.reason);
    try {
      const held = await session.tokens();
      if (own !== turn) return;
      accessToken = held.access_token;
      dial(own);
    } catch (error) {
      if (own !== turn) return;
      const { code } = asProblemError(error);
      const isOver = code === "invalid_token" || code === "signed_out";
      lose(isOver ? "stop" : "retry", code);
    }
  }

  function dial(own: number) {
    const dialed = new WebSocket(url);
    socket = dialed;
    alarm.set(timing.replyMs, () => lose("retry", "lost"));
    dialed.addEventListener("open", () => {
      if (own === turn) introduce();
    });
    dialed.addEventListener("message", (event) => own === turn && hear(event));
    // `close` follows it.
    dialed.addEventListener("error", () => {});
    dialed.addEventListener("close", (event) => {
      if (own !== turn) return;
      const code = "code" in event ? Number(event.code) : 1006;
      const reason = "reason" in event ? String(event.reason) : "";
      lose(planOf(code, reason), wordOf(reason) || "lost");
    });
  }

  /** Says who we are in a frame: an address, with a token in it, is written into logs. */
  function introduce() {
    alarm.clear();
    const ms = Math.min(authMsMax, timing.replyMs);
    requests.ask({ type: "auth", token: accessToken }, ms, (reply) => {
      // What is refused is closed by the server, with its reason.
      if (link.state !== "connecting" || reply?.type === "error") return;
      if (!reply) return lose("retry", "lost");
      openedAtMs = Date.now();
      replaced = false;
      become("open");
      beat();
      void renewInTime();
      on.open();
    });
  }

  function hear(event: object) {
    heardAtMs = Date.now();
    const frame = frameOf("data" in event && event.data);
    if (frame && !requests.hear(frame)) on.frame(frame);
  }

  /** There is no socket any more, or not for long. */
  function lose(plan: ClosePlan, reason: string) {
    turn += 1;
    const own = turn;
    // A browser may take minutes to notice that nobody is there: not ours to wait for.
    socket?.close();
    socket = undefined;
    alarm.clear();
    renewAlarm.clear();
    if (openedAtMs > 0 && Date.now() - openedAtMs >= timing.stableMs) tries = 0;
    openedAtMs = 0;
    const stops = !isWanted || plan === "stop" || (plan === "replace" && replaced);
    const ms = stops ? undefined : pauseMs(tries, plan);
    tries += 1;
    become("offline", reason, ms === undefined ? undefined : Date.now() + ms);
    requests.lose();
    on.lost();
    if (ms === undefined) {
      const isRefused = isWanted && /^(revoked|invalid_token)$/.test(reason);
      isWanted = false;
      if (isRefused) session.end();
      return;
    }
    alarm.set(ms, () => {
      if (plan !== "renew" && plan !== "replace") return void open();
      const again = () => own === turn && void open();
      const renewed = session.renewed(accessToken).then(() => {
        replaced ||= plan === "replace";
      });
      // When it failed, `open` says why.
      renewed.then(again, again);
    });
  }

  function beat() {
    const silentMs = Date.now() - heardAtMs;
    if (silentMs < timing.pingMs) return alarm.set(timing.pingMs - silentMs, beat);
    probe();
  }

  /** Asks whether the server is there. Any frame will do for an answer. */
  function probe() {
    const own = turn;
    const askedAtMs = Date.now();
    requests.ask({ type: "ping" }, timing.replyMs, () => {
      if (own !== turn || link.state !== "open") return;
      if (heardAtMs < askedAtMs) lose("retry", "lost");
      else beat();
    });
  }

  async function renewInTime() {
    const own = turn;
    const held = await session.tokens().catch(() => undefined);
    if (own !== turn || link.state !== "open" || !held) return;
    if (held.access_token !== accessToken) {
      accessToken = held.access_token;
      requests.ask({ type: "auth", token: accessToken }, timing.replyMs, (reply) => {
        if (own === turn && reply?.type !== "ack") lose("renew", "invalid_token");
      });
    }
    // When it could not be renewed now: the server lets it be tried until it expires.
    const ms = Math.max(session.renewableInMs(held), 1_000);
    renewAlarm.set(ms, () => void renewInTime());
  }

  function post(frame: Sendable & { request_id?: number }) {
    socket?.send(JSON.stringify(frame));
  }

  const whenOpen = () => link.state === "open";
  return {
    get link() {
      return link;
    },
    whenOpen,
    connect() {
      isWanted = true;
      if (link.state !== "offline") return;
      tries = 0;
      void open();
    },
    disconnect(reason: "bye" | "signed_out") {
      isWanted = false;
      if (link.state !== "offline" || link.retryAtMs !== undefined) lose("stop", reason);
    },
    /** The network is back, or somebody looks again: what was to come later may come now. */
    wake() {
      if (link.state === "open") probe();
      else if (link.state === "offline" && isWanted) void open();
    },
    /** Sends what needs no reply, if there is a socket. */
    post(frame: Sendable) {
      if (whenOpen()) post(frame);
    },
    /** Sends what gets one reply. There has to be a socket. */
    ask: requests.ask,
  };
}

function frameOf(data: unknown): ServerFrame | undefined {
  try {
    const frame = JSON.parse(String(data));
    if (frame?.type) return frame;
  } catch {
    // Not this server's.
  }
  return undefined;
}
