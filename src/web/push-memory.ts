// The subscription with which this browser rings. The server forgets one whose push service says that its address is gone; this
// browser then knows that it is to ring, and for whom.
import { forgetRinging, ringingKey } from "./push-end.ts";

export interface Ringing {
  userId: number;
  endpoint: string;
  showsText: boolean;
}

/** @returns undefined if this browser does not ring, or the entry is no such one */
export function rememberedRinging(): Ringing | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(ringingKey) ?? "null");
    if (typeof kept !== "object" || kept === null) return undefined;
    if (!("userId" in kept && "endpoint" in kept && "showsText" in kept)) return undefined;
    const { userId, endpoint, showsText } = kept;
    if (typeof userId !== "number" || typeof endpoint !== "string") return undefined;
    return { userId, endpoint, showsText: showsText === true };
  } catch {
    return undefined;
  }
}

/** Where storage is full or forbidden, a changed address is not repaired. */
export function rememberRinging(ringing: Ringing): void {
  try {
    localStorage.setItem(ringingKey, JSON.stringify(ringing));
  } catch {
    forgetRinging();
  }
}
