import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound, ownerOnly } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import type { Participant } from "../wire/chats.ts";
import { Problem } from "../wire/problems.ts";
import { updateRole } from "./role-queries.ts";

/**
 * Makes a participant a moderator, or a member again. The role that the person has already is a success that takes no number.
 * @throws Problem `not_found` for the chat or for a person who is not in it, `forbidden`, `invalid` for the owner
 */
export async function changeRole(
  ctx: Ctx,
  caller: Caller,
  ids: { chatId: number; userId: number },
  role: "member" | "moderator",
): Promise<Participant> {
  const result = await updateRole(ctx.sql, caller, ids, role);
  if (!result) throw chatNotFound();
  const { outcome, participant, updated_seq } = result;
  if (outcome === "not_owner") throw await ownerOnly(ctx, caller, ids.chatId, "change_role");
  if (outcome === "is_owner") {
    const detail = "The owner has no other role. Hand the chat over to somebody first.";
    throw new Problem("invalid", detail, { errors: [{ pointer: "/user_id", detail }] });
  }
  if (!participant) throw new Problem("not_found", "This person is not in the chat.");
  if (updated_seq !== null) {
    ctx.realtime.toRoom({
      type: "participant_updated",
      chat_id: ids.chatId,
      participant,
      updated_seq,
    });
  }
  return participant;
}
