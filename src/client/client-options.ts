import type { SocketConstructor } from "./connection-state.ts";
import type { Fetch } from "./http.ts";
import type { OutboxStore } from "./pending-message.ts";
import type { Timing } from "./timing.ts";
import type { RenewTokens, TokenStore } from "./tokens.ts";

export interface ClientOptions {
  /** The server's address, such as `https://chat.example.com`; `/api` and `/ws` are below it. */
  url: string;
  /**
   * The place where tokens are kept. Default: memory. In a browser, use `storedTokens(localStorage)` of
   * `gemini-coop/client/stored-tokens`.
   */
  tokens?: TokenStore;
  /**
   * The place where messages are kept that are not sent yet. Default: none, they are lost with the client. In a browser,
   * use `storedOutbox(localStorage)` of `gemini-coop/client/stored-outbox`.
   */
  outbox?: OutboxStore;
  /** Gets new tokens for those that expire. Default: the server's own `POST /api/auth/refresh` */
  renewTokens?: RenewTokens;
  /** Default: the global `WebSocket`. Node.js 20 has none: pass the one of the package `ws`. */
  WebSocket?: SocketConstructor;
  /** Default: the global `fetch`. */
  fetch?: Fetch;
  timing?: Partial<Timing>;
  /** Returns numbers from 0 to below 1, for the jitter of pauses. Default: `Math.random` */
  random?: () => number;
}
