import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import type { ChatPreferencesInput, ChatSummary } from "../wire/chats.ts";
import { chatNotFound, summaryFor } from "./actions.ts";
import { updatePreferences } from "./preference-queries.ts";
import { findChatSummaries } from "./summary-queries.ts";

/**
 * Mutes or pins a chat for the caller, and tells their other clients. Absent members stay as they are.
 * @throws Problem `not_found`
 */
export async function changePreferences(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: ChatPreferencesInput,
): Promise<ChatSummary> {
  const result = await updatePreferences(ctx.sql, caller.id, chatId, input);
  if (!result) throw chatNotFound();
  const { has_changed, ...preferences } = result;
  if (has_changed) {
    ctx.realtime.toUser(caller.id, { type: "preferences", chat_id: chatId, ...preferences });
  }
  const [summary] = await findChatSummaries(ctx.sql, caller.id, chatId);
  if (!summary) throw chatNotFound();
  return summaryFor(caller, summary);
}
