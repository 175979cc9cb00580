// A provider with OpenID Connect Core 1.0 and Discovery 1.0, such as Google, Keycloak, or Microsoft Entra ID.
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  type ClientAuth,
  type Configuration,
} from "openid-client";
import { z } from "zod";
import type { ProviderSettings } from "../config/sign-in-settings.ts";
import { asking, prepare, providerFetch } from "./provider-calls.ts";
import { labelOf, type ForeignAccount, type Provider, type VisitSecrets } from "./provider.ts";

const scope = "openid email profile";

/** Some providers write `"true"`. Claims of another type are left out, and a name that is too long is cut elsewhere. */
const Claims = z.object({
  email: z.email().max(254).optional().catch(undefined),
  email_verified: z
    .union([z.boolean(), z.literal("true")])
    .optional()
    .catch(undefined),
  preferred_username: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
});
type Claims = z.infer<typeof Claims>;

/** OpenID Connect Core §2: ASCII, 255 characters at most. */
const subjectPattern = /^[\x20-\x7e]{1,255}$/;

export class OpenIdProvider implements Provider {
  readonly id;
  readonly name;
  readonly #settings: ProviderSettings;
  readonly #times: { timeoutMs: number; discoveryMs: number };
  #discovered: { configuration: Promise<Configuration>; atMs: number } | undefined;

  constructor(settings: ProviderSettings, times: { timeoutMs: number; discoveryMs: number }) {
    this.id = settings.id;
    this.name = settings.name;
    this.#settings = settings;
    this.#times = times;
  }

  async authorizationUrl(redirectUri: string, secrets: VisitSecrets): Promise<string> {
    const configuration = await this.#configuration();
    const { href } = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope,
      state: secrets.state,
      nonce: secrets.nonce,
      code_challenge: await calculatePKCECodeChallenge(secrets.codeVerifier),
      code_challenge_method: "S256",
    });
    return href;
  }

  async findAccount(callback: URL, secrets: VisitSecrets): Promise<ForeignAccount> {
    const configuration = await this.#configuration();
    return await asking(async () => {
      const tokens = await authorizationCodeGrant(configuration, callback, {
        expectedState: secrets.state,
        expectedNonce: secrets.nonce,
        pkceCodeVerifier: secrets.codeVerifier,
      });
      const idToken = tokens.claims();
      if (!idToken || !subjectPattern.test(idToken.sub)) throw new Error("there is no subject");
      let claims = Claims.parse(idToken);
      const { issuer, userinfo_endpoint: endpoint } = configuration.serverMetadata();
      const isSilent = claims.email === undefined || claims.email_verified === undefined;
      if (isSilent && endpoint !== undefined) {
        const found = await fetchUserInfo(configuration, tokens.access_token, idToken.sub);
        claims = Claims.parse(found);
      }
      return accountOf(issuer, idToken.sub, claims);
    });
  }

  /** Read from the provider when it is first needed, and again once in a while, since its addresses may change. */
  #configuration(): Promise<Configuration> {
    const now = performance.now();
    if (!this.#discovered || now - this.#discovered.atMs > this.#times.discoveryMs) {
      const configuration = asking(() => this.#discover());
      const discovered = { configuration, atMs: now };
      this.#discovered = discovered;
      configuration.catch(() => {
        // The next visit tries again.
        if (this.#discovered === discovered) this.#discovered = undefined;
      });
    }
    return this.#discovered.configuration;
  }

  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings;
    const { timeoutMs } = this.#times;
    const configuration = await discovery(
      new URL(issuer),
      clientId,
      undefined,
      authenticationOf(clientSecret),
      {
        [customFetch]: providerFetch,
        timeout: timeoutMs / 1_000,
        execute: issuer.startsWith("http:") ? [allowInsecureRequests] : [],
      },
    );
    prepare(configuration, issuer, timeoutMs);
    // OpenID Connect Core §3.1.3.7 lets TLS stand for the signature of an ID token. Here it is verified all the same.
    enableNonRepudiationChecks(configuration);
    return configuration;
  }
}

/** `client_secret_basic` is the default of OpenID Connect Discovery §3. */
function authenticationOf(clientSecret: string): ClientAuth {
  const [basic, post] = [ClientSecretBasic(clientSecret), ClientSecretPost(clientSecret)];
  return (as, client, body, headers) => {
    const methods = as.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    const authenticate = methods.includes("client_secret_basic") ? basic : post;
    authenticate(as, client, body, headers);
  };
}

function accountOf(issuer: string, subject: string, claims: Claims): ForeignAccount {
  const { email, email_verified: isVerified, preferred_username: preferred, name } = claims;
  const names = [preferred, email?.split("@")[0], name].filter((text) => text !== undefined);
  return {
    issuer,
    subject,
    email: isVerified === true || isVerified === "true" ? email : undefined,
    label: labelOf([email, preferred, name, subject]),
    names,
  };
}
