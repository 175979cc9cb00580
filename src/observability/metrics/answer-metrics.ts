// Metrics of answers.
import { Counter, type Registry } from "prom-client";
import { MessageStatus } from "../../wire/messages.ts";
import { createHistogram, longBuckets, prefix } from "./histograms.ts";
import type { Metrics } from "./metrics.ts";
import { createTally } from "./tally.ts";

export function createAnswerMetrics(registry: Registry): Pick<Metrics, "answerEnded"> {
  const ended = createTally(
    registry,
    {
      name: `${prefix}answers_ended_total`,
      help: "Answers that have ended on this server; handed_over: another server goes on; abandoned: taken over, or their chat was deleted",
      label: "status",
    },
    [...MessageStatus.exclude(["streaming"]).options, "handed_over", "abandoned"],
  );
  const firstChunk = createHistogram(registry, {
    name: "answer_first_chunk_seconds",
    help: "From the request to the model to the first text that the room is shown",
    labels: ["model"],
    buckets: longBuckets,
  });
  const duration = createHistogram(registry, {
    name: "answer_duration_seconds",
    help: "From the request to the model to the end of the answer",
    labels: ["model"],
    buckets: longBuckets,
  });
  const tokens = new Counter({
    name: `${prefix}model_tokens_total`,
    help: "Tokens, as the model counts them, or estimated while it gives no count; cached tokens are included in those of the prompt",
    labelNames: ["model", "kind"],
    registers: [registry],
  });
  return {
    answerEnded({ status, model, firstChunkMs, totalMs, usage }) {
      ended.add(status);
      if (model === undefined) return;
      if (firstChunkMs !== undefined) firstChunk.labels(model).observe(firstChunkMs / 1000);
      duration.labels(model).observe(totalMs / 1000);
      tokens.labels(model, "prompt").inc(usage.prompt_tokens);
      tokens.labels(model, "answer").inc(usage.answer_tokens);
      tokens.labels(model, "thoughts").inc(usage.thoughts_tokens);
      tokens.labels(model, "cached").inc(usage.cached_tokens);
    },
  };
}
