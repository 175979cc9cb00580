// The state of an action that the server was asked for: whether it is pending, and why it was refused.
import { useState } from "preact/hooks";
import { asProblemError } from "../client/problem-error.ts";

export interface Acting {
  isBusy: boolean;
  /** A message for the person. */
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

/** This live region is always rendered, so that screen readers announce its text. */
export function Refusal({ of }: { of: Acting }) {
  return (
    <p class="refusal" role="alert">
      {of.problem}
    </p>
  );
}
