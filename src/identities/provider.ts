// The port behind which providers differ: OpenID Connect, and GitHub, which has no ID tokens.
import type { ProviderId } from "../config/sign-in-settings.ts";

/** An account at a provider, which has vouched for it. */
export interface ForeignAccount {
  readonly issuer: string;
  /** The identifier of the account, which its issuer never gives to another one. */
  readonly subject: string;
  /** Undefined unless the provider says that the address is verified. */
  readonly email: string | undefined;
  /** A name by which the person recognises the account. */
  readonly label: string;
  /** Texts that a username can be made of, the best first. */
  readonly names: readonly string[];
}

/** The secrets of one visit to a provider, which only the browser's cookie and this server's memory have. */
export interface VisitSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface Provider {
  readonly id: ProviderId;
  readonly name: string;
  /** @throws ProviderError */
  authorizationUrl(redirectUri: string, secrets: VisitSecrets): Promise<string>;
  /**
   * Verifies the answer of a provider, and asks it for the account.
   * @param callback the address at which the browser came back
   * @throws ProviderError
   */
  findAccount(callback: URL, secrets: VisitSecrets): Promise<ForeignAccount>;
}

const labelMax = 254;

/** The first of some texts that has something to show, without control characters, cut to the length of its column. */
export function labelOf(texts: readonly (string | undefined)[]): string {
  const clean = texts.map((text) => text?.replaceAll(/\p{C}/gu, "").trim() ?? "");
  return Array.from(clean.find((text) => text !== "") ?? "?")
    .slice(0, labelMax)
    .join("");
}

const reasonsMax = 5;
const reasonMax = 200;

export type ProviderErrorCode = "access_denied" | "provider_unavailable" | "provider_invalid";

/** A provider that is away, that refuses, or whose answer is not valid. */
export class ProviderError extends Error {
  readonly code: ProviderErrorCode;

  constructor(code: ProviderErrorCode, cause: unknown) {
    super(code, { cause });
    this.name = "ProviderError";
    this.code = code;
  }

  /** The messages of the errors that have led to it. Their other members hold tokens and answers, which no log may have. */
  get reasons(): string {
    const found: string[] = [];
    let cause = this.cause;
    while (cause instanceof Error && found.length < reasonsMax) {
      found.push(cause.message.slice(0, reasonMax));
      cause = cause.cause;
    }
    return found.join(": ");
  }
}
