import type { Ctx } from "../../context.ts";
import type { AnswerPicture, MadePicture } from "../../model/stream-answer.ts";

/** The pictures of one answer. The room is shown them with its end. */
export class AnswerPictures {
  #count = 0;
  /** The length of the text at the last picture. */
  #lastAt: number | undefined;

  get count(): number {
    return this.#count;
  }

  /**
   * Stores a picture.
   * @param at the length of the text before it
   * @throws ModelError for what is no picture, Problem `unavailable`, `store_full`
   */
  async keep(
    ctx: Ctx,
    answer: Pick<AnswerPicture, "chatId" | "messageId" | "lease">,
    picture: MadePicture,
    at: number,
  ): Promise<void> {
    this.#lastAt = at;
    this.#count += 1;
    const { chatId, messageId, lease } = answer;
    const place = this.#count;
    let outcome: "stored" | "failed" = "failed";
    try {
      await ctx.answers.keepPicture(ctx, { ...picture, chatId, messageId, lease, place, at });
      outcome = "stored";
    } finally {
      ctx.telemetry.metrics.pictureEnded(outcome);
    }
  }

  /** A piece of text that comes at a place of the text: behind a picture it is a paragraph of its own. */
  pieceAt(at: number, text: string): string {
    return at > 0 && this.#lastAt === at ? `\n\n${text.trimStart()}` : text;
  }
}
