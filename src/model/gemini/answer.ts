// Reads Gemini's chunks: the visible text, made safe to store, the tokens, the sources, and the end of the answer.
// Rules from https://ai.google.dev/api/generate-content (FinishReason, BlockReason, UsageMetadata, GroundingMetadata).
import { z } from "zod";
import { BlankStartFilter } from "../blank-text.ts";
import { EmptyAnswer, ModelError, type Delta, type Ending, type Usage } from "../stream-answer.ts";
import { createSources } from "./sources.ts";
import { storable } from "./storable.ts";

const picturesMax = 8;

/** More tokens than any model reads and writes. Sums of larger counts could not be stored exactly. */
const countMax = 100_000_000;
const count = z.int().min(0).max(countMax).nullish();

/** A reason of an enumeration. Gateways that write all members of a message send its unused default where there is none. */
const reason = z
  .string()
  .nullish()
  .transform((name) => (name === "" || name?.endsWith("_UNSPECIFIED") ? null : name));

/** Sources are an extra: one of another shape is left out, and never fails an answer. */
const Grounding = z
  .object({
    groundingChunks: z.array(
      z
        .object({ web: z.object({ uri: z.string(), title: z.string().nullish() }) })
        .nullable()
        .catch(null),
    ),
  })
  .nullish()
  .catch(null);

const Chunk = z.object({
  candidates: z
    .array(
      z.object({
        content: z
          .object({
            parts: z
              .array(
                z.object({
                  text: z.string().nullish(),
                  thought: z.boolean().nullish(),
                  inlineData: z.object({ mimeType: z.string(), data: z.base64() }).nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finishReason: reason,
        groundingMetadata: Grounding,
      }),
    )
    .nullish(),
  promptFeedback: z.object({ blockReason: reason }).nullish(),
  usageMetadata: z
    .object({
      promptTokenCount: count,
      candidatesTokenCount: count,
      thoughtsTokenCount: count,
      toolUsePromptTokenCount: count,
      cachedContentTokenCount: count,
      totalTokenCount: count,
    })
    .nullish()
    // A count that is none is left out as well: the tokens are estimated then.
    .catch(null),
});
type Chunk = z.infer<typeof Chunk>;

export interface AnswerReader {
  /** A finish reason or a blocked prompt was seen: what may still come is the count of tokens. */
  readonly isFinished: boolean;
  /**
   * Takes the next chunk as it came and returns what is new in it: tokens, then visible text.
   * @throws ModelError when the chunk is not what Gemini documents.
   */
  read(chunk: unknown): Delta[];
  /**
   * The end of the stream: text still held back, if any, and the ending.
   * @throws ModelError when the stream had no proper end, or ended properly without any visible text.
   */
  end(): Delta[];
}

/** Reads the chunks of one answer. Only the first candidate is read: no more are asked for. */
export function createAnswerReader(): AnswerReader {
  const joiner = createTextJoiner();
  const sources = createSources();
  const blankStart = new BlankStartFilter();
  let finishReason: string | undefined;
  let blockReason: string | undefined;
  let usage: Usage | undefined;
  let pictures = 0;

  return {
    get isFinished() {
      return finishReason !== undefined || blockReason !== undefined;
    },
    read(raw) {
      const parsed = Chunk.safeParse(raw);
      if (!parsed.success) throw new ModelError("Gemini sent an answer that could not be read.");
      const chunk = parsed.data;
      const deltas: Delta[] = [];
      const candidate = chunk.candidates?.[0];
      finishReason = candidate?.finishReason ?? finishReason;
      blockReason = chunk.promptFeedback?.blockReason ?? blockReason;
      for (const found of candidate?.groundingMetadata?.groundingChunks ?? []) {
        if (found) sources.add(found.web.uri, found.web.title ?? "");
      }
      // Tokens first: who stops at a piece of text has been told what it cost.
      const counted = chunk.usageMetadata && usageOf(chunk.usageMetadata);
      if (counted && !Bun.deepEquals(counted, usage)) {
        usage = counted;
        deltas.push({ usage });
      }
      // Pictures of thoughts are drafts.
      for (const { text: piece, inlineData } of shownParts(candidate?.content?.parts)) {
        const text = blankStart.push(joiner.push(piece));
        if (text !== "") deltas.push({ text });
        if (!inlineData || pictures >= picturesMax) continue;
        pictures += 1;
        const bytes = new Uint8Array(Buffer.from(inlineData.data, "base64"));
        deltas.push({ picture: { mediaType: inlineData.mimeType, bytes } });
      }
      return deltas;
    },
    end() {
      const ending = blockReason ? blockedPrompt(blockReason) : endingOf(finishReason);
      const text = blankStart.push(joiner.end());
      const isEmpty = blankStart.isBlank && pictures === 0;
      if (ending.status === "complete" && isEmpty) throw new EmptyAnswer();
      const found = sources.list();
      const last = { ending: found.length > 0 ? { ...ending, sources: found } : ending };
      return text === "" ? [last] : [{ text }, last];
    },
  };
}

type Part = NonNullable<
  NonNullable<NonNullable<Chunk["candidates"]>[number]["content"]>["parts"]
>[number];

/** The parts of a chunk without thoughts; texts that follow each other are one. */
function shownParts(parts: Part[] | null | undefined) {
  const shown: { text: string; inlineData: Part["inlineData"] }[] = [];
  for (const { thought, text, inlineData } of parts ?? []) {
    if (thought) continue;
    const last = shown.at(-1);
    if (last && !last.inlineData && !inlineData) last.text += text ?? "";
    else shown.push({ text: text ?? "", inlineData });
  }
  return shown;
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
 * An answer is blocked when a rule of Gemini's forbids it, which asking again would not change. All other reasons but STOP
 * and the limits of length are failures of the model: calls of tools that it was not given, broken output, OTHER.
 */
function endingOf(finishReason: string | undefined): Ending {
  switch (finishReason) {
    case "STOP":
      return { status: "complete" };
    case "MAX_TOKENS":
    case "CONTINUATION":
      return { status: "truncated", error: "The answer reached the length limit of Gemini." };
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

function blocked(error: string): Ending {
  return { status: "blocked", error };
}

/**
 * Makes pieces of text storable. Chunks may split a surrogate pair, so a high surrogate at the end of a piece waits
 * for the next.
 */
function createTextJoiner() {
  let held = "";
  return {
    push(piece: string): string {
      let text = held + piece;
      held = /[\uD800-\uDBFF]$/.test(text) ? text.slice(-1) : "";
      if (held !== "") text = text.slice(0, -1);
      return storable(text);
    },
    end: () => storable(held),
  };
}
