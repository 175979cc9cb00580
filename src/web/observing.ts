import { useEffect, useState } from "preact/hooks";
import type { Observable } from "../client/client.ts";

/** The newest snapshot of something that changes; the component is drawn anew with each. */
export function useSnapshot<T>(observable: Observable<T>): T {
  const [, redraw] = useState({});
  const drawn = observable.getSnapshot();
  useEffect(() => {
    const end = observable.subscribe(() => redraw({}));
    // The value may have changed between rendering and subscribing.
    if (observable.getSnapshot() !== drawn) redraw({});
    return end;
  }, [observable]);
  return drawn;
}
