// GitHub, which has OAuth 2.0 and no OpenID Connect: its API tells who has signed in.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretPost,
  Configuration,
  fetchProtectedResource,
} from "openid-client";
import { z } from "zod";
import type { ProviderSettings } from "../config/sign-in-settings.ts";
import { asking, prepare } from "./provider-calls.ts";
import { labelOf, type ForeignAccount, type Provider, type VisitSecrets } from "./provider.ts";

const scope = "read:user user:email";

/** A login can be changed, and then belongs to somebody else; the number can't. */
const Account = z.object({ id: z.int().positive(), login: z.string(), name: z.string().nullish() });
const Emails = z.array(
  z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }),
);
const Email = z.email().max(254);

export class GitHubProvider implements Provider {
  readonly id = "github";
  readonly name;
  readonly #issuer: string;
  readonly #api: string;
  readonly #configuration: Configuration;

  constructor(settings: ProviderSettings, { timeoutMs }: { timeoutMs: number }) {
    const { name, issuer, clientId, clientSecret } = settings;
    this.name = name;
    this.#issuer = issuer;
    // https://docs.github.com/en/enterprise-server/rest: the API of GitHub Enterprise Server has no host of its own.
    this.#api = issuer === "https://github.com" ? "https://api.github.com" : `${issuer}/api/v3`;
    const base = `${issuer}/login/oauth`;
    this.#configuration = new Configuration(
      // Where GitHub sends `iss` (RFC 9207), it is this address.
      {
        issuer: base,
        authorization_endpoint: `${base}/authorize`,
        token_endpoint: `${base}/access_token`,
      },
      clientId,
      undefined,
      ClientSecretPost(clientSecret),
    );
    prepare(this.#configuration, issuer, timeoutMs);
  }

  async authorizationUrl(redirectUri: string, secrets: VisitSecrets): Promise<string> {
    const { href } = buildAuthorizationUrl(this.#configuration, {
      redirect_uri: redirectUri,
      scope,
      state: secrets.state,
      code_challenge: await calculatePKCECodeChallenge(secrets.codeVerifier),
      code_challenge_method: "S256",
    });
    return href;
  }

  async findAccount(callback: URL, secrets: VisitSecrets): Promise<ForeignAccount> {
    return await asking(async () => {
      const { access_token: token } = await authorizationCodeGrant(this.#configuration, callback, {
        expectedState: secrets.state,
        pkceCodeVerifier: secrets.codeVerifier,
      });
      const account = Account.parse(await this.#get("/user", token));
      const emails = Emails.parse(await this.#get("/user/emails", token));
      const primary = emails.find((each) => each.primary && each.verified);
      const email = Email.safeParse(primary?.email).data;
      const names = [account.login, ...(account.name ? [account.name] : [])];
      const subject = String(account.id);
      return { issuer: this.#issuer, subject, email, label: labelOf([account.login]), names };
    });
  }

  async #get(path: string, token: string): Promise<unknown> {
    const response = await fetchProtectedResource(
      this.#configuration,
      token,
      new URL(this.#api + path),
      "GET",
      null,
      new Headers({ accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" }),
    );
    if (!response.ok) throw new Error(`${path} has answered ${response.status}`);
    return await response.json();
  }
}
