import { useEffect, useState } from "preact/hooks";

const coarsePointer = matchMedia("(pointer: coarse)");

/** Whether the primary pointer is a finger, as on a phone. Follows a device that changes, such as a tablet with a dock. */
export function useCoarsePointer(): boolean {
  const [isCoarse, setCoarse] = useState(coarsePointer.matches);
  useEffect(() => {
    const follow = () => setCoarse(coarsePointer.matches);
    follow();
    coarsePointer.addEventListener("change", follow);
    return () => coarsePointer.removeEventListener("change", follow);
  }, []);
  return isCoarse;
}
