import { Semaphore } from "../semaphore.ts";
import type { Config } from "../config/config.ts";
import { Problem } from "../wire/problems.ts";
import { GitHubProvider } from "./github-provider.ts";
import { OpenIdProvider } from "./openid-provider.ts";
import type { Provider } from "./provider.ts";

const runningMax = 50;
const waitingMax = 200;

/** The providers of the settings. Only so many requests to them are under way at once, since each may take seconds. */
export class Providers {
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #semaphore = new Semaphore(
    { runningMax, waitingMax },
    () =>
      new Problem("unavailable", "Too many people are signing in. Try again in a moment.", {
        retryAfterSeconds: 5,
      }),
  );

  constructor({ signIn }: Config) {
    const made = signIn.providers.map((settings): [string, Provider] => [
      settings.id,
      settings.id === "github"
        ? new GitHubProvider(settings, signIn)
        : new OpenIdProvider(settings, signIn),
    ]);
    this.#providers = new Map(made);
  }

  list(): { id: Provider["id"]; name: string }[] {
    return [...this.#providers.values()].map(({ id, name }) => ({ id, name }));
  }

  /** @throws Problem `not_found` */
  get(id: string): Provider {
    const provider = this.#providers.get(id);
    if (provider) return provider;
    throw new Problem(
      "not_found",
      "This server has no such provider: GET /api/auth/providers lists them.",
    );
  }

  /** Runs what asks a provider. @throws Problem `unavailable` when too many wait already */
  run<T>(task: () => Promise<T>): Promise<T> {
    return this.#semaphore.run(task);
  }
}
