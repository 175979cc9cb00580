// The bus over NATS core (https://docs.nats.io/nats-concepts/core-nats). There is no JetStream: a message that is lost is read
// from the log of its room.
import {
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
  type Subscription,
} from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { BusSettings } from "../config/bus-settings.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { within } from "../schedule.ts";
import type { Bus, BusHandlers, BusState } from "./bus.ts";

/** Between two questions whether NATS still answers, and how long it may take to. */
const probeMs = 500;
const reconnectMs = 250;
const connectTimeoutMs = 3_000;
/** The client gives up a connection whose NATS has left so many of its pings unanswered, and tries the next address. */
const pingMs = 2_000;
const unansweredPingsMax = 2;
/** NATS's default, until the server has told its own. */
const defaultPayloadBytesMax = 1_048_576;

interface NatsBusParts {
  log: Logger;
  metrics: Pick<Metrics, "busWentAway" | "busSent" | "busReceived">;
}

export class NatsBus implements Bus {
  readonly #settings: BusSettings;
  readonly #parts: NatsBusParts;
  /** The subscriptions by subject; undefined while there has been no connection yet. */
  readonly #subscriptions = new Map<string, Subscription | undefined>();
  #handlers: BusHandlers | undefined;
  #connection: NatsConnection | undefined;
  #state: BusState = "away";
  #probe: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(settings: BusSettings, parts: NatsBusParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  get state(): BusState {
    return this.#state;
  }

  get payloadBytesMax(): number {
    return this.#connection?.info?.max_payload ?? defaultPayloadBytesMax;
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size;
  }

  start(handlers: BusHandlers): void {
    this.#handlers = handlers;
    void this.#connect();
  }

  publish(subject: string, payload: Uint8Array): void {
    if (this.#state !== "up") return;
    try {
      this.#connection?.publish(subject, payload);
      this.#parts.metrics.busSent(payload.length);
    } catch (error) {
      // The connection has just been closed, or the server's limit has just become smaller.
      this.#parts.log.debug({ err: error, subject }, "a message was not sent to other servers");
    }
  }

  subscribe(subject: string): void {
    if (this.#subscriptions.has(subject) || this.#isStopped) return;
    this.#subscriptions.set(subject, this.#connection && this.#listen(this.#connection, subject));
  }

  unsubscribe(subject: string): void {
    const subscription = this.#subscriptions.get(subject);
    this.#subscriptions.delete(subject);
    if (this.#connection?.isClosed() === false) subscription?.unsubscribe();
  }

  async flush(timeoutMs: number): Promise<boolean> {
    const connection = this.#connection;
    if (this.#state !== "up" || !connection) return false;
    let isDone = false;
    const flushed = connection.flush().then(
      () => void (isDone = true),
      () => undefined,
    );
    await within(timeoutMs, flushed);
    return isDone;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#probe);
    const connection = this.#connection;
    if (!connection || connection.isClosed()) return;
    await this.flush(probeMs);
    await connection.close();
  }

  async #connect(): Promise<void> {
    const { log } = this.#parts;
    let words: string | undefined;
    while (!this.#isStopped) {
      try {
        const connection = await connect(optionsOf(this.#settings));
        if (this.#isStopped) return await connection.close();
        this.#connection = connection;
        for (const subject of this.#subscriptions.keys()) {
          this.#subscriptions.set(subject, this.#listen(connection, subject));
        }
        void this.#watch(connection);
        return await this.#probeNow(connection);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        // The same reason every quarter of a second would fill the log.
        if (reason !== words) {
          log.error(
            { reason, setting: "NATS_URL" },
            "the bus between servers cannot be reached; the server goes on without it and keeps trying",
          );
        }
        words = reason;
        await Bun.sleep(reconnectMs);
      }
    }
  }

  #listen(connection: NatsConnection, subject: string): Subscription {
    return connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) return;
        this.#parts.metrics.busReceived(message.data.length);
        this.#handle(message.subject, message.data);
      },
    });
  }

  /** The client library stops reading its connection for ever when a callback throws. */
  #handle(subject: string, payload: Uint8Array): void {
    try {
      this.#handlers?.onMessage(subject, payload);
    } catch (error) {
      this.#parts.log.error(
        { err: error, subject },
        "a message of another server could not be handled",
      );
    }
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") this.#setState("away");
      else if (status.type === "reconnect") void this.#probeNow(connection);
      else if (status.type === "error") {
        this.#parts.log.warn({ reason: status.error.message }, "NATS reports an error");
      }
    }
    this.#setState("away");
  }

  /** Asks whether NATS answers, and again in a moment. A NATS that hangs keeps its connections open, and says nothing. */
  async #probeNow(connection: NatsConnection): Promise<void> {
    clearTimeout(this.#probe);
    if (this.#isStopped || connection.isClosed()) return;
    const answered = connection.flush().then(
      () => true,
      () => false,
    );
    const late = setTimeout(() => this.#setState("away"), probeMs);
    const isUp = await answered;
    clearTimeout(late);
    if (this.#isStopped) return;
    this.#setState(isUp ? "up" : "away");
    clearTimeout(this.#probe);
    this.#probe = setTimeout(() => void this.#probeNow(connection), probeMs);
  }

  #setState(state: BusState): void {
    if (state === this.#state || this.#isStopped) return;
    this.#state = state;
    const { log, metrics } = this.#parts;
    if (state === "up") log.info("the bus between servers is there");
    else {
      metrics.busWentAway();
      log.warn("the bus between servers is away; rooms are read from their logs until it is back");
    }
    this.#handlers?.onState(state);
  }
}

function optionsOf(settings: BusSettings): NodeConnectionOptions {
  const { servers, tls, credentials } = settings;
  return {
    servers: [...servers],
    name: "gemini-coop",
    noEcho: true,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectMs,
    reconnectJitter: reconnectMs,
    // Credentials may be replaced while the server runs.
    ignoreAuthErrorAbort: true,
    timeout: connectTimeoutMs,
    pingInterval: pingMs,
    maxPingOut: unansweredPingsMax,
    ...(tls && { tls: { ...tls } }),
    ...authenticationOf(credentials),
  };
}

function authenticationOf(credentials: BusSettings["credentials"]): NodeConnectionOptions {
  switch (credentials?.kind) {
    case "password":
      return { user: credentials.user, pass: credentials.password };
    case "token":
      return { token: credentials.token };
    case "nkey":
      return { authenticator: nkeyAuthenticator(new TextEncoder().encode(credentials.seed)) };
    case "creds":
      return { authenticator: credsAuthenticator(new TextEncoder().encode(credentials.text)) };
    case undefined:
      return {};
  }
}
