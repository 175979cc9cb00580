import type { Caller } from "../../accounts/access-tokens.ts";
import type { Ctx } from "../../context.ts";
import type { UsageReport } from "../../wire/answers.ts";
import { findUsage } from "./usage-queries.ts";

/**
 * Reports the usage of the caller's answers and of those in the chats that they own.
 * @param days back from today, today included
 */
export async function getUsage(ctx: Ctx, caller: Caller, days: number): Promise<UsageReport> {
  return await findUsage(ctx.sql, caller.id, days, ctx.config.budgets);
}
