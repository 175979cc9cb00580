// What somebody has asked for and the server is doing: whether it is under way, and why it was refused.
import { useState } from "preact/hooks";
import { asProblemError } from "../client/problem-error.ts";

export interface Acting {
  isBusy: boolean;
  /** For a person. */
  problem: string | undefined;
  /** Does one thing at a time. @returns whether it went through */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
}

export function useAction(): Acting {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  return {
    isBusy,
    problem,
    async run(work) {
      if (isBusy) return false;
      setBusy(true);
      setProblem(undefined);
      try {
        await work();
        return true;
      } catch (error) {
        setProblem(asProblemError(error).detail);
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}

/** Always there, so that a screen reader tells what comes into it. */
export function Refusal({ of }: { of: Acting }) {
  return (
    <p class="refusal" role="alert">
      {of.problem}
    </p>
  );
}
