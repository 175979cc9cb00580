// Where the pieces of an answer come from: the model, with the prompt, the receipt and the count of tokens that go with
// it, or the server itself.
import type { Ctx, Reply } from "../context.ts";
import { answerTokensMin, promptOf } from "./admission.ts";
import type { Assignment } from "./run.ts";
import type { BuiltPrompt } from "./prompt/prompt.ts";
import { helpText } from "./help.ts";
import { ModelError, type Delta } from "../model/stream-answer.ts";
import { insertReceipt } from "./prompt/queries.ts";
import { isHelp } from "./question.ts";
import { modelSettings } from "./model-settings.ts";

/** The pieces that follow the text that was kept. @throws ModelError, or the signal's reason when it is aborted */
export function piecesOf(ctx: Ctx, reply: Reply, assignment: Assignment): AsyncIterable<Delta> {
  const { question, room, kept } = assignment;
  if (isHelp(question.content)) return saidAtOnce(helpText(ctx.config, room).slice(kept.length));
  return askModel(ctx, reply, assignment);
}

async function* saidAtOnce(text: string): AsyncGenerator<Delta> {
  if (text !== "") yield { text };
  yield { ending: { status: "complete" } };
}

async function* askModel(ctx: Ctx, reply: Reply, assignment: Assignment): AsyncGenerator<Delta> {
  if (!ctx.model.answer) throw new ModelError("This server has no model to ask.");
  const { question, room, meter, reservedTokens } = assignment;
  const prompt = await newestPrompt(ctx, assignment);
  const left = reservedTokens - meter.charged().total_tokens - prompt.estimatedTokens;
  meter.ask(prompt.estimatedTokens, room.token_ratio);
  const settings = modelSettings(ctx.config, room.settings);
  const receipt = insertReceipt(ctx.sql, reply.messageId, reply.run, {
    receipt: {
      model: settings.model,
      settings: room.settings,
      messages: [...prompt.messages, { id: question.id, updated_seq: question.updated_seq }],
      summary: prompt.summary,
      estimatedTokens: prompt.estimatedTokens,
    },
    usage: meter.charged(),
  }).catch((error: unknown) => {
    ctx.log.warn({ err: error, messageId: reply.messageId }, "an answer has no receipt");
  });
  const call = ctx.telemetry.tracing.modelCall(settings.model);
  let hasBegun = false;
  let hasText = false;
  let failure: string | undefined;
  try {
    const { system, turns } = prompt;
    const outputTokensMax = Math.max(answerTokensMin, left);
    const deltas = ctx.model.answer(
      { system, turns, settings, outputTokensMax },
      reply.abort.signal,
    );
    for await (const delta of deltas) {
      hasBegun = true;
      if ("text" in delta) {
        if (!hasText) call.firstChunk();
        hasText = true;
        meter.write(delta.text);
      }
      if ("usage" in delta) meter.count(delta.usage);
      yield delta;
    }
  } catch (error) {
    // Gemini charges nothing for a request that it refuses: https://ai.google.dev/gemini-api/docs/billing
    if (error instanceof ModelError && !hasBegun) meter.refuse();
    if (!reply.abort.signal.aborted) failure = error instanceof Error ? error.name : "_OTHER";
    throw error;
  } finally {
    call.ended(meter.counted, failure);
    // Its end is stored after it.
    await receipt;
  }
}

/** Between reading the history and storing the question others may have written: their words too, if what is reserved reaches. */
async function newestPrompt(ctx: Ctx, assignment: Assignment): Promise<BuiltPrompt> {
  const { question, room, kept, reservedTokens, prompt } = assignment;
  if (kept !== "" || question.seq <= room.last_seq + 1) return prompt;
  const newest = await promptOf(ctx, question.chat_id, room, question, {
    upToSeq: question.seq - 1,
  });
  return newest.estimatedTokens + answerTokensMin <= reservedTokens ? newest : prompt;
}
