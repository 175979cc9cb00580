// `gemini-coop/client/sign-in`: signing in with a second factor, setting one up, and what is done by links in mails.
import type { RecoveryCodes, TotpSetup } from "../wire/two-factor.ts";
import type { Confirmation, LoginInput, Tokens } from "../wire/users.ts";
import type { Client } from "./client.ts";
import { asProblemError, problemOfResponse } from "./problem-error.ts";
import type { z } from "zod";

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

/** The ticket of the problem `mfa_required`. */
function ticketOf(body: unknown): string | undefined {
  const isObject = typeof body === "object" && body !== null;
  return isObject && "ticket" in body && typeof body.ticket === "string" ? body.ticket : undefined;
}

/** All functions throw ProblemError, with the codes that the API documents. */
export function createSignIn({ client, url, fetch = globalThis.fetch }: SignInOptions) {
  async function post<T>(path: string, input: object): Promise<{ done: T } | { ticket: string }> {
    try {
      const response = await fetch(new URL(path, url).href, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(input),
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

  const told = (path: string, input: object) => post<Told>(path, input).then(() => undefined);

  return {
    /** Signs in. @returns the ticket for {@link loginWithCode} if a code has to follow; undefined when it is done */
    async login(input: LoginInput): Promise<string | undefined> {
      const result = await post<Tokens>("/api/auth/login", input);
      if ("ticket" in result) return result.ticket;
      await client.session.use(result.done);
      return undefined;
    },
    /** @param code six digits of the authenticator app, or a recovery code */
    async loginWithCode(ticket: string, code: string): Promise<void> {
      const result = await post<Tokens>("/api/auth/login/totp", { ticket, code });
      if ("done" in result) await client.session.use(result.done);
    },
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
