import { BlankStartFilter, isBlank } from "../../model/blank-text.ts";
import { ContinuationFilter } from "./continuation.ts";
import { LengthLimit } from "./length-limit.ts";
import { Pacer } from "./pacer.ts";
import { SpeakerLabelFilter } from "./speaker-labels.ts";
import { inSequence, type TextFilter } from "./text-filter.ts";

const lengthMax = 100_000;

/**
 * Makes the filters that the text of an answer passes.
 * @param code of the chat's speaker labels
 * @param kept the text that the room has been shown of an answer that broke off; "" for a new one
 * @param emit receives the text that leaves later than with a call of the filter
 */
export function createAnswerFilter(
  code: string,
  kept: string,
  emit: (text: string) => void,
): { filter: TextFilter; limit: LengthLimit } {
  const limit = new LengthLimit(lengthMax, kept.length);
  const filter = inSequence([
    new SpeakerLabelFilter(code),
    new ContinuationFilter(kept),
    ...(isBlank(kept) ? [new BlankStartFilter()] : []),
    limit,
    new Pacer(emit),
  ]);
  return { filter, limit };
}
