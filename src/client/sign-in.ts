// `gemini-coop/client/sign-in`: signing in with a second factor or by an account at another provider, setting them up, and what is done by
// links in mails.
import type { Identity, Provider, Visit } from "../wire/identities.ts";
import type { RecoveryCodes, TotpSetup } from "../wire/two-factor.ts";
import type { Confirmation, LoginInput, Tokens } from "../wire/users.ts";
import type { Client } from "./client.ts";
import { asProblemError, ProblemError, problemOfResponse } from "./problem-error.ts";
import type { z } from "zod";

export type { Identity, Provider } from "../wire/identities.ts";
export type { RecoveryCodes, TotpSetup } from "../wire/two-factor.ts";

export interface SignInOptions {
  client: Pick<Client, "call" | "session">;
  /** The address of the server, as for the client. */
  url: string;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

type Told = z.infer<typeof Confirmation>;

export type SignIn = ReturnType<typeof createSignIn>;

const timeoutMs = 30_000;
const verifierBytes = 32;

/** A visit to a provider that a client begins. */
export interface BegunVisit {
  /** The browser has to open it as a page. */
  url: string;
  /** For {@link SignIn.loginByCode}. It has to be kept until the browser is back, as in `sessionStorage`. */
  verifier: string;
}

/** The outcome with which a browser comes back from a provider. */
export type ProviderReturn = { code: string } | { error: string } | { linked: string };

/** Reads the outcome in the fragment of an address, such as `location.hash`; undefined where there is none. */
export function readProviderReturn(fragment: string): ProviderReturn | undefined {
  const outcome = new URLSearchParams(fragment.replace(/^#/, ""));
  const [code, error, linked] = ["code", "error", "linked"].map((name) => outcome.get(name));
  if (code) return { code };
  if (error) return { error };
  return linked ? { linked } : undefined;
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The ticket of the problem `mfa_required`. */
function ticketOf(body: unknown): string | undefined {
  const isObject = typeof body === "object" && body !== null;
  return isObject && "ticket" in body && typeof body.ticket === "string" ? body.ticket : undefined;
}

function pathOf(path: string, query: Record<string, string | undefined>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) given.set(name, value);
  return given.size === 0 ? path : `${path}?${given.toString()}`;
}

/** @returns the body of the reply, or the ticket for a code that has to follow @throws ProblemError */
async function requestTicketOr<T>(
  { url, fetch }: Required<Pick<SignInOptions, "url" | "fetch">>,
  path: string,
  init: RequestInit = {},
): Promise<{ done: T } | { ticket: string }> {
  try {
    const response = await fetch(new URL(path, url).href, {
      ...init,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    if (response.ok) return { done: JSON.parse(text) };
    const ticket = response.status === 401 ? ticketOf(JSON.parse(text)) : undefined;
    if (ticket !== undefined) return { ticket };
    throw problemOfResponse(response, text);
  } catch (error) {
    throw asProblemError(error);
  }
}

/** All functions throw ProblemError, with the codes that the API documents. */
export function createSignIn({ client, url, fetch = globalThis.fetch }: SignInOptions) {
  const request = <T>(path: string, init?: RequestInit) =>
    requestTicketOr<T>({ url, fetch }, path, init);

  const post = <T>(path: string, input: object) =>
    request<T>(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(input),
    });

  /** Uses the tokens of a sign-in, unless a code has to follow. @returns the ticket for the code */
  async function begin(result: { done: Tokens } | { ticket: string }): Promise<string | undefined> {
    if ("ticket" in result) return result.ticket;
    await client.session.use(result.done);
    return undefined;
  }

  const told = (path: string, input: object) => post<Told>(path, input).then(() => undefined);

  return {
    /** Signs in. @returns the ticket for {@link loginWithCode} if a code has to follow; undefined when it is done */
    login: async (input: LoginInput): Promise<string | undefined> =>
      begin(await post<Tokens>("/api/auth/login", input)),
    /** @param code six digits of the authenticator app, or a recovery code */
    async loginWithCode(ticket: string, code: string): Promise<void> {
      const result = await post<Tokens>("/api/auth/login/totp", { ticket, code });
      if ("done" in result) await client.session.use(result.done);
    },
    /** The providers that people may sign in with. */
    async listProviders(): Promise<Provider[]> {
      const result = await request<Provider[]>("/api/auth/providers");
      return "done" in result ? result.done : [];
    },
    /**
     * Begins to sign in with a provider.
     * @param returnTo an address that the server allows; its own page unless said otherwise
     * @throws ProblemError `insecure_page` on a page over plain HTTP, unless its host is the own machine
     */
    async beginVisit(provider: string, returnTo?: string): Promise<BegunVisit> {
      const { subtle } = crypto as { subtle?: SubtleCrypto };
      if (!subtle) {
        throw new ProblemError("insecure_page", "This way to sign in needs a page over HTTPS.");
      }
      const verifier = base64url(crypto.getRandomValues(new Uint8Array(verifierBytes)));
      const hash = await subtle.digest("SHA-256", new TextEncoder().encode(verifier));
      const query = { return_to: returnTo, code_challenge: base64url(new Uint8Array(hash)) };
      return { url: new URL(pathOf(`/api/auth/oauth/${provider}`, query), url).href, verifier };
    },
    /**
     * Signs in with the code with which the browser has come back.
     * @param verifier of the visit; undefined where the browser's cookie stands for it
     * @returns as {@link login}
     */
    loginByCode: async (code: string, verifier?: string): Promise<string | undefined> =>
      begin(await post<Tokens>("/api/auth/oauth/token", { code, code_verifier: verifier })),
    listIdentities: () => client.call<Identity[]>("GET", "/api/auth/identities"),
    /**
     * Begins to link an account at a provider. The reply sets a cookie, so a page of another origin has to belong to the same site, and
     * needs a client whose `fetch` has `credentials: "include"`.
     * @returns the address that the browser has to open as a page
     */
    linkIdentity: (provider: string, returnTo?: string) =>
      client
        .call<Visit>("POST", pathOf(`/api/auth/identities/${provider}`, { return_to: returnTo }))
        .then(({ url: address }) => address),
    unlinkIdentity: (identityId: number) =>
      client.call<Told>("DELETE", `/api/auth/identities/${identityId}`),
    /** Asks for a mail with a link that resets the password. It succeeds whether or not an account has the address. */
    forgotPassword: (email: string) => told("/api/auth/password/forgot", { email }),
    /** @param token that of the link in the mail */
    resetPassword: (token: string, password: string) =>
      told("/api/auth/password/reset", { token, password }),
    /** @param token that of the link in the mail */
    verifyEmail: (token: string) => told("/api/auth/email/verify", { token }),
    /** Asks for a mail with a link that verifies the address, which then is the person's. */
    requestEmail: (email: string) => client.call<Told>("POST", "/api/auth/email", { email }),
    setUpTotp: () => client.call<TotpSetup>("POST", "/api/auth/totp"),
    /** Only the result has the recovery codes. */
    confirmTotp: (code: string) =>
      client.call<RecoveryCodes>("POST", "/api/auth/totp/confirm", { code }),
    removeTotp: (code: string) => client.call<Told>("DELETE", "/api/auth/totp", { code }),
  };
}
