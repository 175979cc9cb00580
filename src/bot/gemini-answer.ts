// What Gemini's chunks say: the visible text, made safe to store, what it cost, and how the answer ended.
// Rules from https://ai.google.dev/api/generate-content (FinishReason, BlockReason, UsageMetadata).
import { z } from "zod";
import { createSources, Grounding } from "./gemini-sources.ts";
import { ModelError, type Ending, type Usage } from "./model.ts";

const count = z.int().nonnegative().nullish();

const Chunk = z.object({
  candidates: z
    .array(
      z.object({
        content: z
          .object({
            parts: z
              .array(z.object({ text: z.string().nullish(), thought: z.boolean().nullish() }))
              .nullish(),
          })
          .nullish(),
        finishReason: z.string().nullish(),
        groundingMetadata: Grounding,
      }),
    )
    .nullish(),
  promptFeedback: z.object({ blockReason: z.string().nullish() }).nullish(),
  usageMetadata: z
    .object({
      promptTokenCount: count,
      candidatesTokenCount: count,
      thoughtsTokenCount: count,
      toolUsePromptTokenCount: count,
      cachedContentTokenCount: count,
      totalTokenCount: count,
    })
    .nullish(),
});
type Chunk = z.infer<typeof Chunk>;

export interface AnswerReader {
  /** A finish reason or a blocked prompt was seen: what may still come is the count of tokens. */
  readonly isFinished: boolean;
  /**
   * Takes the next chunk as it came and returns its visible text, "" where it has none, and what all has cost so far,
   * where it says so.
   * @throws ModelError when the chunk is not what Gemini documents.
   */
  read(chunk: unknown): { text: string; usage: Usage | undefined };
  /**
   * The end of the stream: text still held back ("" if none), and the ending.
   * @throws ModelError when the stream had no proper end, or ended properly without any text.
   */
  end(): { text: string; ending: Ending };
}

/** Reads the chunks of one answer. Only the first candidate is read: no more are asked for. */
export function createAnswerReader(): AnswerReader {
  const joiner = createTextJoiner();
  let hasText = false;
  let finishReason: string | undefined;
  let blockReason: string | undefined;
  const sources = createSources();

  return {
    get isFinished() {
      return finishReason !== undefined || blockReason !== undefined;
    },
    read(raw) {
      const parsed = Chunk.safeParse(raw);
      if (!parsed.success) throw new ModelError("Gemini sent an answer that could not be read.");
      const chunk = parsed.data;
      const candidate = chunk.candidates?.[0];
      finishReason = candidate?.finishReason ?? finishReason;
      blockReason = chunk.promptFeedback?.blockReason ?? blockReason;
      sources.add(candidate?.groundingMetadata);
      const parts = candidate?.content?.parts ?? [];
      const visible = parts.filter((part) => !part.thought).map((part) => part.text ?? "");
      const text = visible.join("");
      if (text !== "") hasText = true;
      return {
        text: joiner.push(text),
        usage: chunk.usageMetadata ? usageOf(chunk.usageMetadata) : undefined,
      };
    },
    end() {
      const ending = blockReason ? blockedPrompt(blockReason) : endingOf(finishReason);
      if (ending.status === "complete" && !hasText) {
        throw new ModelError("Gemini gave an empty answer. Asking again may help.");
      }
      return { text: joiner.end(), ending: { ...ending, ...sources.found() } };
    },
  };
}

function usageOf(counted: NonNullable<Chunk["usageMetadata"]>): Usage {
  const prompt = counted.promptTokenCount ?? 0;
  const answer = counted.candidatesTokenCount ?? 0;
  const thoughts = counted.thoughtsTokenCount ?? 0;
  const toolUse = counted.toolUsePromptTokenCount ?? 0;
  return {
    prompt_tokens: prompt,
    answer_tokens: answer,
    thoughts_tokens: thoughts,
    cached_tokens: counted.cachedContentTokenCount ?? 0,
    total_tokens: counted.totalTokenCount ?? prompt + answer + thoughts + toolUse,
  };
}

/**
 * Blocked is what a rule of Gemini's forbade, and asking again would not change. Everything else but STOP and the
 * limits of length is a failure of the model: calls of tools that it was not given, broken output, OTHER.
 */
function endingOf(finishReason: string | undefined): Ending {
  switch (finishReason) {
    case "STOP":
      return { status: "complete" };
    case "MAX_TOKENS":
    case "CONTINUATION":
      return { status: "truncated", detail: "The answer reached the length limit of Gemini." };
    case "SAFETY":
    case "IMAGE_SAFETY":
      return blocked("Gemini's safety rules stopped the answer.");
    case "RECITATION":
    case "IMAGE_RECITATION":
      return blocked("Gemini stopped because the answer came too close to a published text.");
    case "LANGUAGE":
      return blocked("Gemini does not support the language of this conversation.");
    case "BLOCKLIST":
      return blocked("Gemini stopped because the answer had a forbidden term.");
    case "PROHIBITED_CONTENT":
    case "IMAGE_PROHIBITED_CONTENT":
    case "MODEL_ARMOR":
      return blocked("Gemini stopped because the answer may have had prohibited content.");
    case "SPII":
      return blocked("Gemini stopped because the answer may have had sensitive personal data.");
    case undefined:
      throw new ModelError("Gemini's answer broke off before its end.");
    case "MALFORMED_FUNCTION_CALL":
    case "UNEXPECTED_TOOL_CALL":
    case "TOO_MANY_TOOL_CALLS":
      throw new ModelError("Gemini tried to use a tool that it does not have here.", {
        cause: finishReason,
      });
    default:
      throw new ModelError("Gemini stopped without saying why. Asking again may help.", {
        cause: finishReason,
      });
  }
}

function blockedPrompt(blockReason: string): Ending {
  switch (blockReason) {
    case "SAFETY":
    case "IMAGE_SAFETY":
      return blocked("Gemini's safety rules refused the question.");
    case "BLOCKLIST":
      return blocked("Gemini refused the question because it has a forbidden term.");
    case "PROHIBITED_CONTENT":
      return blocked("Gemini refused the question because it may have prohibited content.");
    default:
      return blocked("Gemini refused to answer this question.");
  }
}

function blocked(detail: string): Ending {
  return { status: "blocked", detail };
}

/**
 * Makes text that PostgreSQL and UTF-8 can carry: U+0000 and lone surrogates become U+FFFD. Chunks may split a
 * surrogate pair, so a high surrogate at the end of a piece waits for the next.
 */
function createTextJoiner() {
  let held = "";
  return {
    push(piece: string): string {
      let text = held + piece;
      held = /[\uD800-\uDBFF]$/.test(text) ? text.slice(-1) : "";
      if (held !== "") text = text.slice(0, -1);
      return text.toWellFormed().replaceAll("\0", "\uFFFD");
    },
    end: () => held.toWellFormed(),
  };
}
