import type { SignIn } from "../client/sign-in.ts";

const verifierKey = "gemini-coop-visit";

/** Sends the browser to a provider. The verifier stays in this tab. */
export async function visitProvider(signIn: SignIn, provider: string): Promise<void> {
  const { url, verifier } = await signIn.beginVisit(provider);
  sessionStorage.setItem(verifierKey, verifier);
  location.assign(url);
}

/** The verifier of the visit that this tab has begun, which is good once; undefined if it has begun none. */
export function takeVerifier(): string | undefined {
  const verifier = sessionStorage.getItem(verifierKey) ?? undefined;
  sessionStorage.removeItem(verifierKey);
  return verifier;
}
