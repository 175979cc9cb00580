/** The entry of `sessionStorage` that tells a sign-in form why it is shown. */
export const signedInKey = "gemini-coop-signed-in";

/** Notes whether the person of this tab is signed in, until they sign out themselves. A reload keeps the note. */
export function noteSignedIn(isSignedIn: boolean): void {
  try {
    sessionStorage[signedInKey] = isSignedIn;
  } catch {
    // There is none where storage is forbidden.
  }
}
