// People with a client each, and functions that wait for a state of the client.
import {
  createClient,
  type Client,
  type ClientOptions,
  type Observable,
  type Room,
  type Tokens,
} from "gemini-coop/client";
import type { Person, World } from "../world/world.ts";

const timeoutMs = 20_000;

/** Short pauses, so that tests of reconnecting are fast. */
const quick = { retryMs: 5, retryMsMax: 50, soonMs: 20, laterMs: 20, gapMs: 20 };

/** @returns the first snapshot from now on that matches */
export function until<T>(observable: Observable<T>, matches: (now: T) => boolean): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const look = () => {
    const now = observable.getSnapshot();
    if (matches(now)) resolve(now);
  };
  const end = observable.subscribe(look);
  const timer = setTimeout(() => {
    const now = JSON.stringify(observable.getSnapshot(), undefined, 1).slice(0, 4_000);
    reject(new Error(`no snapshot matched. The last one is:\n${now}`));
  }, timeoutMs);
  look();
  return promise.finally(() => {
    clearTimeout(timer);
    end();
  });
}

export const untilLive = (room: Room) => until(room, ({ state }) => state === "live");

export type People = ReturnType<typeof createPeople>;
export type SignedIn = Client & { name: string; person: Person };

export function createPeople(world: World) {
  const clients: Client[] = [];

  /** A client without a session. */
  function open(options: Partial<ClientOptions> = {}): Client {
    const timing = { ...quick, ...options.timing };
    const client = createClient({ url: world.url, ...options, timing });
    clients.push(client);
    return client;
  }

  /** A client that is signed in. @param person default: a new one */
  async function signedIn(
    options: Partial<ClientOptions> = {},
    person: Person | undefined = undefined,
    expiresInSeconds = 3_600,
  ): Promise<SignedIn> {
    const who = person ?? (await world.person());
    const client = open(options);
    await client.session.use({ ...tokensOf(who), expires_in: expiresInSeconds });
    return { ...client, name: who.username, person: who };
  }

  return {
    open,
    signedIn,
    async pair(options: Partial<ClientOptions> = {}): Promise<[SignedIn, SignedIn]> {
      return [await signedIn(options), await signedIn(options)];
    },
    closeAll() {
      for (const client of clients.splice(0)) client.close();
    },
  };
}

/** Tokens that are valid for an hour and cannot be renewed. */
export function tokensOf({ token }: { token: string }): Tokens {
  return { access_token: token, token_type: "bearer", expires_in: 3_600, refresh_token: "none" };
}
