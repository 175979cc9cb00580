import type { LoginInput, RegisterInput, Tokens, User } from "../wire/users.ts";
import { signedOut, type Method, type Send } from "./http.ts";
import { observe, type Observable } from "./observable.ts";
import { asProblemError, type ProblemError } from "./problem-error.ts";
import {
  claimMs,
  holdTokens,
  renewableInMs,
  sessionOf,
  untilStoreChanges,
  withLock,
  type HeldTokens,
  type RenewTokens,
  type TokenStore,
} from "./tokens.ts";

export interface SessionSnapshot {
  readonly signedIn: boolean;
  /** Undefined until it is known. */
  readonly user: User | undefined;
}

export interface Session extends Observable<SessionSnapshot> {
  /** Makes an account, without signing in. @throws ProblemError `username_taken`, `email_taken`, `invalid` */
  register(input: RegisterInput): Promise<User>;
  /**
   * @throws ProblemError `invalid_credentials`, `invalid`. A failure after the tokens came, such as `network`, does not undo the sign-in:
   * `signedIn` is true, and the person is read once there is a connection.
   */
  login(input: LoginInput): Promise<User>;
  /** Signs in with tokens that the application has obtained itself. @throws ProblemError `invalid_token` */
  use(tokens: Tokens): Promise<User>;
  /** Ends the session here, in clients that share its tokens, and at the server if it can be reached. Never throws. */
  logout(): Promise<void>;
  /** The person who is signed in; requested once. @throws ProblemError `signed_out`, `invalid_token`, `network` */
  me(): Promise<User>;
}

export interface SessionOptions {
  send: Send;
  store: TokenStore;
  renew: RenewTokens | undefined;
  /** The pause before a renewal whose reply was lost is tried again. */
  retryMs: number;
  /** Called with the person who has signed in; with nothing when that person is not known, or nobody is signed in. */
  onChange: (user: User | undefined) => void;
}

/** The longest time that tokens of another client take to become visible in this process. */
const storeDelayMsMax = 1_000;
/** The interval at which a client looks for the tokens that another one is getting. */
const pollMs = 250;

/** The tokens of the person who is signed in. They are renewed in time, and once for all requests that wait for it. */
export class ClientSession {
  readonly outside: Session;
  readonly #options: SessionOptions;
  readonly #observed = observe<SessionSnapshot>(() => ({
    signedIn: this.#options.store.load() !== null,
    user: this.#user,
  }));
  readonly #unwatch: (() => void) | undefined;
  #user: User | undefined;
  /** Increases when somebody signs in or out, so that results for the previous person are recognised. */
  #epoch = 0;
  #sessionId: string | undefined;
  #renewing: Promise<HeldTokens> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { send, store } = options;
    this.#sessionId = sessionOf(store.load());
    this.#unwatch = store.watch?.(() => this.#follow());
    this.outside = {
      ...this.#observed.observable,
      register: (body) => send<User>("POST", "/api/auth/register", { body }),
      login: (body) => send<Tokens>("POST", "/api/auth/login", { body }).then(this.outside.use),
      use: (tokens) => this.#use(tokens),
      logout: async () => {
        const held = store.load();
        this.end();
        if (held) await this.#spend("logout", held).catch(() => {});
      },
      me: () => this.me(),
    };
  }

  /** Tokens whose access token is valid. @throws ProblemError `signed_out`, `invalid_token`, `network` */
  async tokens(): Promise<HeldTokens> {
    const held = this.#held();
    if (renewableInMs(held) > 0) return held;
    try {
      return await this.renewed(held.access_token);
    } catch (error) {
      // The access token is valid for a while yet.
      if (!this.#options.store.load() || held.expires_at_ms <= Date.now()) throw error;
      return held;
    }
  }

  /** Tokens that replace those with this access token. */
  renewed(accessToken: string): Promise<HeldTokens> {
    this.#renewing ??= this.#own(withLock(() => this.#renew(accessToken))).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** A JSON request of the person who is signed in. */
  async call<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const { send } = this.#options;
    const { access_token: token } = await this.tokens();
    return await send<T>(method, path, { body, token }).catch(async (problem: ProblemError) => {
      if (problem.code !== "invalid_token") throw problem;
      const { access_token: next } = await this.renewed(token);
      return await send<T>(method, path, { body, token: next });
    });
  }

  async me(): Promise<User> {
    if (this.#user) return this.#user;
    this.#user = await this.#own(this.call<User>("GET", "/api/auth/me"));
    this.#observed.changed();
    return this.#user;
  }

  /** True if another client that shares the store has saved newer tokens than those with this access token. */
  isSuperseded(accessToken: string): boolean {
    return (this.#options.store.load()?.access_token ?? accessToken) !== accessToken;
  }

  /** Forgets the tokens, which the server has refused for good. */
  end(): void {
    this.#begin(null);
    this.#options.onChange(undefined);
  }

  close(): void {
    this.#unwatch?.();
    this.#observed.end();
  }

  #held(): HeldTokens {
    const held = this.#options.store.load();
    if (!held) throw signedOut();
    return held;
  }

  /** Rejects if another person has signed in, or nobody is signed in any more, when the work is done. */
  async #own<T>(work: Promise<T>): Promise<T> {
    const epoch = this.#epoch;
    const result = await work;
    if (epoch !== this.#epoch) throw signedOut();
    return result;
  }

  #begin(tokens: HeldTokens | null) {
    this.#options.store.save(tokens);
    this.#enter(tokens);
  }

  #enter(tokens: HeldTokens | null) {
    this.#epoch += 1;
    this.#sessionId = sessionOf(tokens);
    this.#user = undefined;
    this.#observed.changed();
  }

  async #use(tokens: Tokens): Promise<User> {
    this.#begin(holdTokens(tokens));
    try {
      return await this.me();
    } finally {
      // A person who could not be read is read once there is a connection.
      this.#options.onChange(this.#user);
    }
  }

  /** Another client has saved tokens: somebody may have signed in or out there. */
  #follow() {
    const held = this.#options.store.load();
    if (sessionOf(held) === this.#sessionId) return;
    this.#enter(held);
    this.#options.onChange(undefined);
  }

  #spend<T>(path: string, { refresh_token }: HeldTokens) {
    return this.#options.send<T>("POST", `/api/auth/${path}`, { body: { refresh_token } });
  }

  /** A refresh token is valid once: of all clients that share it, the one that claims it exchanges it. */
  async #renew(refused: string): Promise<HeldTokens> {
    const { store, retryMs } = this.#options;
    const deadlineMs = Date.now() + 2 * claimMs;
    let isRetry = false;
    for (;;) {
      const held = this.#held();
      if (held.access_token !== refused) return held;
      const isClaimed = (await store.claim?.(held.refresh_token, claimMs)) ?? true;
      if (!isClaimed && Date.now() < deadlineMs) {
        await untilStoreChanges(store, pollMs);
        continue;
      }
      try {
        return await this.#exchange(held);
      } catch (error) {
        const { status } = asProblemError(error);
        await store.claim?.(held.refresh_token, 0);
        // Only the reply may be lost. For a short time the server accepts the same refresh token again.
        if (isRetry || (status > 0 && status < 500)) throw error;
        isRetry = true;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  async #exchange(held: HeldTokens): Promise<HeldTokens> {
    const { store, renew } = this.#options;
    try {
      const tokens = await this.#own(renew ? renew(held) : this.#spend<Tokens>("refresh", held));
      const renewed = holdTokens(tokens, sessionOf(held));
      store.save(renewed);
      return renewed;
    } catch (error) {
      const problem = asProblemError(error);
      if (problem.code !== "invalid_token") throw problem;
      // Another client may have exchanged the token: its newer ones are looked for before the session ends.
      const isSuperseded = () => this.isSuperseded(held.access_token);
      if (!isSuperseded()) await this.#own(untilStoreChanges(store, storeDelayMsMax));
      if (isSuperseded()) return this.#held();
      this.end();
      throw problem;
    }
  }
}
