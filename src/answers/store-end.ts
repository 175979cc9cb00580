import { setTimeout as delay } from "node:timers/promises";
import { isDatabaseAway, type Sql } from "../database/connect.ts";
import type { EndedAnswer } from "../wire/message-frames.ts";
import type { AnswerEnd, EndedStatus } from "./answer-end.ts";
import type { Lease } from "./budget/queries.ts";
import { endAnswer, findEndedAnswer, type EndDetails } from "./queries.ts";

const triesMax = 120;
const retryMs = 500;

/**
 * Stores the end of an answer, and tries again for a minute while the database is away.
 * @returns undefined when another server has the answer, or it is gone
 * @throws when the database stays away
 */
export async function storeEnd(
  sql: Sql,
  answer: { chatId: number; messageId: number; lease: Lease },
  end: AnswerEnd<EndedStatus>,
  details: EndDetails,
): Promise<EndedAnswer | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      const ended = await endAnswer(sql, answer, end, details);
      // A try whose reply was lost may have stored the end.
      return ended ?? (tries > 1 ? await findEndedAnswer(sql, answer.messageId) : undefined);
    } catch (error) {
      if (!isDatabaseAway(error) || tries === triesMax) throw error;
      await delay(retryMs);
    }
  }
}
