// The settings of signing in with an account at another provider.
import type { Environment } from "./environment.ts";

export type ProviderId = "google" | "github" | "oidc";

/** A provider that is asked who somebody is. */
export interface ProviderSettings {
  readonly id: ProviderId;
  /** The name on its button. */
  readonly name: string;
  /** For OpenID Connect the issuer; for GitHub the address of its pages. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface SignInSettings {
  readonly providers: readonly ProviderSettings[];
  /** The addresses to which a browser may return, besides the page at PUBLIC_URL. */
  readonly returnTo: readonly string[];
  /** Milliseconds within which a provider has to answer each request. */
  readonly timeoutMs: number;
  /** Milliseconds after which the addresses and keys of an OpenID provider are read again. */
  readonly discoveryMs: number;
}

const googleIssuer = "https://accounts.google.com";
const timeoutMs = 10_000;
const discoveryMs = 60 * 60_000;

/** Settings that are needed together. */
const groups = [
  ["OAUTH_GOOGLE_CLIENT_ID", "OAUTH_GOOGLE_CLIENT_SECRET"],
  ["OAUTH_GITHUB_CLIENT_ID", "OAUTH_GITHUB_CLIENT_SECRET"],
  ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"],
] as const;

/** @returns the faults of an environment, one sentence each */
export function signInFaults(env: Record<string, string | undefined>): string[] {
  const faults = groups.flatMap((names) => {
    const given = names.find((name) => env[name]);
    if (given === undefined) return [];
    const missing = names.filter((name) => !env[name]);
    return missing.map((name) => `${name}: must be set, because ${given} is`);
  });
  const isOn = groups.some(([name]) => env[name]);
  if (env.NODE_ENV !== "production" || !isOn) return faults;
  if (!env.PUBLIC_URL) {
    faults.push("PUBLIC_URL: must be set, since providers send people back to it");
  }
  for (const name of ["OIDC_ISSUER", "OAUTH_GITHUB_URL"]) {
    const url = URL.parse(env[name] ?? "");
    if (url?.protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(url.hostname)) {
      faults.push(`${name}: must begin with https:// in production`);
    }
  }
  return faults;
}

export function signInOf(values: Environment): SignInSettings {
  const { OIDC_ISSUER: issuer = "", OAUTH_GITHUB_URL: gitHub } = values;
  const all = [
    provider("google", "Google", googleIssuer, [
      values.OAUTH_GOOGLE_CLIENT_ID,
      values.OAUTH_GOOGLE_CLIENT_SECRET,
    ]),
    provider("github", "GitHub", gitHub, [
      values.OAUTH_GITHUB_CLIENT_ID,
      values.OAUTH_GITHUB_CLIENT_SECRET,
    ]),
    provider("oidc", values.OIDC_NAME, issuer, [values.OIDC_CLIENT_ID, values.OIDC_CLIENT_SECRET]),
  ];
  return Object.freeze({
    providers: Object.freeze(all.filter((one) => one !== undefined)),
    returnTo: Object.freeze(values.OAUTH_RETURN_TO),
    timeoutMs,
    discoveryMs,
  });
}

function provider(
  id: ProviderId,
  name: string,
  issuer: string,
  [clientId, clientSecret]: readonly (string | undefined)[],
): ProviderSettings | undefined {
  // The faults above have refused one without the other.
  if (!clientId || !clientSecret) return undefined;
  return Object.freeze({ id, name, issuer, clientId, clientSecret });
}
