import type { Ctx } from "../context.ts";
import { HelpResponder } from "./help.ts";
import { ModelResponder } from "./model-responder.ts";
import type { PromptRoom } from "./prompt/queries.ts";
import { isHelp } from "./question.ts";
import type { Responder } from "./responder.ts";

/**
 * Decides who answers a question.
 * @returns undefined when the question is for a model and this server has none
 */
export function chooseResponder(
  ctx: Ctx,
  room: PromptRoom,
  question: string,
): Responder | undefined {
  if (isHelp(question)) return new HelpResponder(ctx.config, room);
  return ctx.model.answer && new ModelResponder(ctx, ctx.model.answer, room);
}
