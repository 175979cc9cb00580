import { ModelError, type Delta } from "../../model/stream-answer.ts";
import type { UsageMeter } from "./usage-meter.ts";

/**
 * Passes on what the model sends, and counts its tokens. A request that the model refuses is not charged, as Gemini charges nothing for
 * it: https://ai.google.dev/gemini-api/docs/billing
 * @param meter has begun with the estimate of the request
 * @param onRefused is called for a request that the model refused
 */
export async function* metered(
  deltas: AsyncIterable<Delta>,
  meter: UsageMeter,
  onRefused: () => Promise<void> = () => Promise.resolve(),
): AsyncGenerator<Delta> {
  let hasBegun = false;
  try {
    for await (const delta of deltas) {
      hasBegun = true;
      if ("text" in delta) meter.addText(delta.text);
      if ("usage" in delta) meter.setCount(delta.usage);
      yield delta;
    }
  } catch (error) {
    if (error instanceof ModelError && !hasBegun) {
      meter.cancel();
      await onRefused();
    }
    throw error;
  }
}
