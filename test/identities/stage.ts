// A world whose people can sign in with an OpenID provider and with a server like GitHub.
import { afterAll, beforeAll, expect } from "bun:test";
import { Browser, outcomeOf } from "../world/browser.ts";
import { freePort } from "../world/free-port.ts";
import { gitHubClient, startGitHub } from "../world/github.ts";
import {
  openIdClient,
  startOpenIdProvider,
  type OpenIdProviderServer,
} from "../world/openid-provider.ts";
import { World, type Answer, type WorldOptions } from "../world/world.ts";

export const returnTo = "https://app.example.com/signed-in";
export type Outcome = Record<string, string>;

export class Stage {
  #world: World | undefined;
  #provider: OpenIdProviderServer | undefined;
  readonly gitHub = startGitHub();
  #people = 0;

  get world(): World {
    if (!this.#world) throw new Error("the stage runs only within tests and their hooks");
    return this.#world;
  }

  get provider(): OpenIdProviderServer {
    if (!this.#provider) throw new Error("the stage runs only within tests and their hooks");
    return this.#provider;
  }

  async start({ env, ...options }: WorldOptions = {}): Promise<void> {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    this.#provider = await startOpenIdProvider(`${url}/api/auth/oauth/oidc/callback`);
    this.#world = new World({
      ...options,
      env: {
        PORT: String(port),
        PUBLIC_URL: url,
        OIDC_ISSUER: this.#provider.issuer,
        OIDC_CLIENT_ID: openIdClient.id,
        OIDC_CLIENT_SECRET: openIdClient.secret,
        OIDC_NAME: "The company",
        OAUTH_GITHUB_URL: this.gitHub.url,
        OAUTH_GITHUB_CLIENT_ID: gitHubClient.id,
        OAUTH_GITHUB_CLIENT_SECRET: gitHubClient.secret,
        OAUTH_RETURN_TO: `${returnTo},https://other.example.com/`,
        ...env,
      },
    });
    await this.#world.start();
  }

  async stop(): Promise<void> {
    await this.world.stop();
    await this.provider.stop();
    await this.gitHub.stop();
  }

  /** A name that is unique in this stage. */
  newName(name: string): string {
    this.#people += 1;
    return `${name}${this.#people}`;
  }

  browser(account: string): Browser {
    return new Browser(account, [this.provider.issuer, this.gitHub.url]);
  }

  /** A browser of somebody who has an account at the OpenID provider, with a verified address. */
  employee(name = "ann") {
    const account = this.newName(name);
    const email = `${account}@example.com`;
    const claims = { email, email_verified: true, preferred_username: account };
    this.provider.accounts.set(account, claims);
    return { account, email, browser: this.browser(account) };
  }

  beginUrl(provider = "oidc", query: Record<string, string> = { return_to: returnTo }): string {
    const search = new URLSearchParams(query).toString();
    return `${this.world.url}/api/auth/oauth/${provider}?${search}`;
  }

  /** Signs in as far as the return address. */
  async visit(browser: Browser, provider = "oidc", query?: Record<string, string>) {
    const { url } = await browser.open(this.beginUrl(provider, query));
    return { url, outcome: outcomeOf(url) };
  }

  /** Begins to sign in, and stops before the address of this server to which the provider sends the browser. */
  async callback(browser: Browser, provider = "oidc", query?: Record<string, string>) {
    const { url } = await browser.open(this.beginUrl(provider, query), isCallback);
    return url;
  }

  async exchange(browser: Browser, code: unknown, more: object = {}): Promise<Answer> {
    const response = await browser.fetch(`${this.world.url}/api/auth/oauth/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code, ...more }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** Signs in all the way. */
  async signIn(browser: Browser, provider = "oidc") {
    const { outcome } = await this.visit(browser, provider);
    const { status, body } = await this.exchange(browser, outcome.code);
    expect({ outcome, status, body }).toMatchObject({ status: 200 });
    return this.session(body.access_token);
  }

  session(token: string) {
    const headers = { authorization: `Bearer ${token}` };
    const api = (method: string, path: string, body?: unknown) =>
      this.world.call(method, path, body, headers);
    return { token, headers, api };
  }

  /** How many accounts and sessions there are, which no refused sign-in changes. */
  async counts(): Promise<unknown> {
    const [row] = await this.world.sql`
      select (select count(*)::int from users) as users, (select count(*)::int from sessions) as sessions,
        (select count(*)::int from identities) as identities, (select count(*)::int from sign_in_codes) as codes
    `;
    return row;
  }

  /** Runs an attack, and checks that it has left nothing behind. */
  async harmless<T>(attack: () => Promise<T>): Promise<T> {
    const before = await this.counts();
    const result = await attack();
    expect(await this.counts()).toEqual(before);
    return result;
  }
}

export const isCallback = ({ pathname }: URL) => pathname.endsWith("/callback");

/** Makes a stage for the tests of one file. */
export function useStage(options?: WorldOptions): Stage {
  const stage = new Stage();
  beforeAll(() => stage.start(options));
  afterAll(() => stage.stop());
  return stage;
}
