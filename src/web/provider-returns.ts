// The page as the address to which a browser comes back from a provider. The outcome is in the fragment, which is sent to no server.
import { useState } from "preact/hooks";

export interface ProviderOutcome {
  name: string;
  value: string;
}

function outcomeInAddress(): ProviderOutcome | undefined {
  const [, name, value] = /^#(code|error|linked)=([\w-]{1,64})(&|$)/.exec(location.hash) ?? [];
  return name && value ? { name, value } : undefined;
}

/** The outcome that the page was opened with. It is taken out of the browser's history at once. */
export function useProviderReturn() {
  const [outcome, setOutcome] = useState(() => {
    const found = outcomeInAddress();
    if (found) history.replaceState(null, "", "#/");
    return found;
  });
  return { outcome, end: () => setOutcome(undefined) };
}
