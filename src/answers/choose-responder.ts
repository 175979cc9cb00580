import type { Ctx } from "../context.ts";
import { HelpResponder } from "./help.ts";
import { ModelResponder } from "./model-responder.ts";
import { PictureResponder } from "./pictures/picture-responder.ts";
import type { PromptRoom } from "./prompt/queries.ts";
import { asksForPicture, isHelp } from "./question.ts";
import type { Responder } from "./responder.ts";

/**
 * Decides who answers a question.
 * @returns undefined when the question is for a model, or asks for a picture, and this server has none that does it
 */
export function chooseResponder(
  ctx: Ctx,
  room: PromptRoom,
  question: string,
): Responder | undefined {
  if (isHelp(question)) return new HelpResponder(ctx.config, room);
  if (asksForPicture(question)) {
    return ctx.model.pictures && new PictureResponder(ctx, ctx.model.pictures, room);
  }
  return ctx.model.answer && new ModelResponder(ctx, ctx.model.answer, room);
}
