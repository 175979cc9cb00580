/** The part of the standard `WebSocket` that is used. The `WebSocket` of the package `ws` has it as well. */
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
 * - `catching_up`: the socket is open, and at least one open room is still loading what it missed
 * - `live`: all open rooms are up to date
 * - `offline`: there is no socket; `retryAtMs` is the time of the next try, if there will be one
 */
export type ConnectionState = "connecting" | "catching_up" | "live" | "offline";

export interface LinkState {
  readonly state: "connecting" | "open" | "offline";
  /** The reason why there is no socket: the server's close reason (`restart`, `revoked` …), a problem's code, or `lost`. */
  readonly reason: string | undefined;
  /** Time by this machine's clock; undefined when there will be no attempt before `connect` is called. */
  readonly retryAtMs: number | undefined;
}
