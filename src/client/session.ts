// Whose client this is: their tokens, renewed in time, and once for everybody who waits for new ones.
import type { LoginInput, RegisterInput, Tokens, User } from "../wire/users.ts";
import { signedOut, type Method, type Send } from "./http.ts";
import { observe, type Observable } from "./observable.ts";
import { asProblemError, type ProblemError } from "./problem-error.ts";

/** Tokens with the time at which the access token expires, by this machine's clock. */
export interface HeldTokens extends Tokens {
  expires_at_ms: number;
}

/**
 * Where tokens are kept. Several clients, such as the tabs of a browser, may share one: a refresh token is good once,
 * so each looks here before it renews, and they take turns where the Web Locks API exists.
 */
export interface TokenStore {
  load(): HeldTokens | null;
  save(tokens: HeldTokens | null): void;
}

/** Gets new tokens for those that expire. @throws ProblemError `invalid_token` when there are none to be had */
export type RenewTokens = (held: HeldTokens) => Promise<Tokens>;

export interface SessionSnapshot {
  readonly signedIn: boolean;
  /** Undefined until it is known. */
  readonly user: User | undefined;
}

export interface Session extends Observable<SessionSnapshot> {
  /** Makes an account; it isn't signed in by that. @throws ProblemError `username_taken`, `email_taken`, `invalid` */
  register(input: RegisterInput): Promise<User>;
  /** @throws ProblemError `invalid_credentials`, `invalid` */
  login(input: LoginInput): Promise<User>;
  /** Takes over tokens that were got elsewhere. @throws ProblemError `invalid_token` */
  use(tokens: Tokens): Promise<User>;
  /** Ends the session here and, if it can be reached, at the server. Never throws. */
  logout(): Promise<void>;
  /** The person who is signed in; asked for once. @throws ProblemError `signed_out`, `invalid_token`, `network` */
  me(): Promise<User>;
}

export type SessionInside = ReturnType<typeof createSession>;

const lockName = "gemini-coop-tokens";
/** A token is renewed this long before it expires, or in the last fifth of a short life. */
const renewMsBefore = 60_000;

interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}

function withLock<T>(work: () => Promise<T>): Promise<T> {
  const { navigator } = globalThis as { navigator?: { locks?: Locks } };
  return navigator?.locks ? navigator.locks.request(lockName, work) : work();
}

function hold(tokens: Tokens): HeldTokens {
  return { ...tokens, expires_at_ms: Date.now() + tokens.expires_in * 1_000 };
}

/** Milliseconds until it should be renewed; not above 0 when it is time. */
function renewableInMs(tokens: HeldTokens): number {
  const margin = Math.min(renewMsBefore, tokens.expires_in * 200);
  return tokens.expires_at_ms - margin - Date.now();
}

export function createSession({
  send,
  store,
  renew,
  onChange,
}: {
  send: Send;
  store: TokenStore;
  renew: RenewTokens | undefined;
  /** Somebody has signed in, or nobody is any more. */
  onChange: (user: User | undefined) => void;
}) {
  let user: User | undefined;
  /** Grows when somebody signs in or out. */
  let turn = 0;
  let renewing: Promise<HeldTokens> | undefined;
  const observed = observe<SessionSnapshot>(() => ({ signedIn: store.load() !== null, user }));

  const spend = <T>(path: string, { refresh_token }: HeldTokens) =>
    send<T>("POST", `/api/auth/${path}`, { body: { refresh_token } });
  const ask: RenewTokens = renew ?? ((held) => spend<Tokens>("refresh", held));

  function begin(tokens: HeldTokens | null) {
    turn += 1;
    store.save(tokens);
    user = undefined;
    observed.changed();
  }

  function end() {
    begin(null);
    onChange(undefined);
  }

  /** What comes back must still be for the one who has asked. */
  async function own<T>(work: Promise<T>): Promise<T> {
    const asked = turn;
    const result = await work;
    if (asked !== turn) throw signedOut();
    return result;
  }

  async function renewNow(refused: string): Promise<HeldTokens> {
    const held = store.load();
    if (!held) throw signedOut();
    // Another tab was faster.
    if (held.access_token !== refused) return held;
    const asked = turn;
    try {
      const renewed = hold(await own(ask(held)));
      store.save(renewed);
      return renewed;
    } catch (error) {
      const problem = asProblemError(error);
      if (problem.code === "invalid_token" && asked === turn) end();
      throw problem;
    }
  }

  /** New tokens in place of those with this access token. */
  function renewed(refused: string): Promise<HeldTokens> {
    renewing ??= withLock(() => renewNow(refused)).finally(() => {
      renewing = undefined;
    });
    return renewing;
  }

  async function tokens(): Promise<HeldTokens> {
    const held = store.load();
    if (!held) throw signedOut();
    if (renewableInMs(held) > 0) return held;
    try {
      return await renewed(held.access_token);
    } catch (error) {
      // It is good for a while yet.
      if (store.load() === null || held.expires_at_ms <= Date.now()) throw error;
      return held;
    }
  }

  /** A JSON request of the person who is signed in. */
  async function call<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const { access_token: token } = await tokens();
    return await send<T>(method, path, { body, token }).catch(async (problem: ProblemError) => {
      if (problem.code !== "invalid_token") throw problem;
      const { access_token: next } = await renewed(token);
      return await send<T>(method, path, { body, token: next });
    });
  }

  async function me(): Promise<User> {
    if (user) return user;
    user = await own(call<User>("GET", "/api/auth/me"));
    observed.changed();
    return user;
  }

  async function use(tokens: Tokens): Promise<User> {
    begin(hold(tokens));
    const found = await me();
    onChange(found);
    return found;
  }

  const outside: Session = {
    ...observed.observable,
    register: (body) => send<User>("POST", "/api/auth/register", { body }),
    login: (body) => send<Tokens>("POST", "/api/auth/login", { body }).then(use),
    use,
    async logout() {
      const held = store.load();
      end();
      if (held) await spend("logout", held).catch(() => {});
    },
    me,
  };
  return { outside, tokens, renewed, call, me, end, renewableInMs, close: observed.end };
}

/** Tokens that are gone with the page or the process. */
export function memoryTokens(): TokenStore {
  let held: HeldTokens | null = null;
  return { load: () => held, save: (tokens) => void (held = tokens) };
}
