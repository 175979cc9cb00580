// People with a client each, and waiting for what it shows.
import { createClient, type Client, type ClientOptions, type Observable } from "gemini-coop/client";

const timeoutMs = 8_000;
const password = "correct horse battery";

/** Short pauses, so that a test of reconnecting ends soon. */
export const quick = {
  backoff: { firstMs: 5, longestMs: 50, soonMs: 20, laterMs: 20 },
  timing: { gapMs: 20 },
} satisfies Partial<ClientOptions>;

/** @returns the first snapshot, from now on, that is as wished */
export function until<T>(observable: Observable<T>, matches: (now: T) => boolean): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const look = () => {
    const now = observable.getSnapshot();
    if (matches(now)) resolve(now);
  };
  const end = observable.subscribe(look);
  const timer = setTimeout(() => {
    const now = JSON.stringify(observable.getSnapshot(), undefined, 1).slice(0, 4_000);
    reject(new Error(`it did not become as wished. It is:\n${now}`));
  }, timeoutMs);
  look();
  return promise.finally(() => {
    clearTimeout(timer);
    end();
  });
}

export type People = ReturnType<typeof createPeople>;
export type SignedIn = Client & { name: string };

export function createPeople(url: () => string) {
  const clients: Client[] = [];
  let count = 0;

  function open(options: Partial<ClientOptions> = {}): Client {
    const client = createClient({ url: url(), ...quick, ...options });
    clients.push(client);
    return client;
  }

  async function signedIn(options: Partial<ClientOptions> = {}): Promise<SignedIn> {
    count += 1;
    const name = `person${count}`;
    const client = open(options);
    await client.session.register({ username: name, email: `${name}@example.com`, password });
    await client.session.login({ username: name, password });
    return { ...client, name };
  }

  return {
    open,
    signedIn,
    password,
    async pair(options: Partial<ClientOptions> = {}): Promise<[SignedIn, SignedIn]> {
      return [await signedIn(options), await signedIn(options)];
    },
    closeAll() {
      for (const client of clients.splice(0)) client.close();
    },
  };
}
