import { useEffect, useMemo } from "preact/hooks";
import { usePageParts } from "./page-parts.ts";

/** Watches these people while the component is shown. */
export function useWatched(userIds: readonly number[]): void {
  const { watched } = usePageParts();
  const part = useMemo(() => ({}), []);
  useEffect(() => watched.show(part, userIds), [watched, userIds.join()]);
  useEffect(() => () => watched.hide(part), [watched]);
}
