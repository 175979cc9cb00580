import type { Caller } from "../accounts/access-tokens.ts";
import { checkSessionAgain } from "../accounts/authentication.ts";
import { noPassword, type Passwords } from "../accounts/passwords.ts";
import { endSessions } from "../accounts/recent-sessions.ts";
import { findPasswordHash } from "../accounts/user-queries.ts";
import { record } from "../audit/audit.ts";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import type { DeleteMeInput } from "../wire/users.ts";
import { deleteSessions, markAccountDeleted } from "./account-queries.ts";
import { deleteBots } from "./delete-bots.ts";
import { leaveChats } from "./leave-chats.ts";

/**
 * Deletes the caller's account. Sessions, keys, sockets and the profile end at once, and the caller's bots go. Chats are left before it returns, unless the database
 * fails meanwhile; then, and for messages that are to be erased, a recurring task goes on.
 * @throws Problem `wrong_password`, `no_password`, `invalid_token`, `unavailable`
 */
export async function deleteAccount(
  ctx: Ctx,
  passwords: Passwords,
  caller: Caller,
  { password, messages }: DeleteMeInput,
): Promise<void> {
  const hash = await findPasswordHash(ctx.sql, caller.id);
  if (hash === noPassword) {
    throw new Problem(
      "no_password",
      "Your account has no password to confirm this with. Choose one in your settings first.",
    );
  }
  if (!(await passwords.verify(password, hash)) || hash === undefined) {
    throw await wrongPassword(ctx, caller);
  }
  const erases = messages === "erase";
  const deleted = await markAccountDeleted(ctx.sql, caller, { hash, erases });
  // The password was changed, or the account deleted, in between.
  if (!deleted) throw await wrongPassword(ctx, caller);
  endSessions(ctx, deleted.session_ids);
  for (const { chat_id: chatId, message_id: id } of deleted.answers) {
    const running = ctx.answers.find(id);
    if (running) running.stop("stopped");
    else ctx.peers.stopRequested(chatId, id);
  }
  try {
    endSessions(ctx, await deleteSessions(ctx.sql, caller.id));
    await deleteBots(ctx, caller, { botId: undefined, erases });
    await leaveChats(ctx, caller.id);
  } catch (error) {
    ctx.log.warn(
      { err: error, userId: caller.id },
      "a deleted account has not left all chats; it will be tried again",
    );
  }
}

/** @throws Problem `invalid_token` when a try before has deleted the account, and its reply was lost */
async function wrongPassword(ctx: Ctx, caller: Caller): Promise<Problem> {
  await checkSessionAgain(ctx, caller);
  await record(ctx, {
    action: "delete_account",
    outcome: "wrong_password",
    actor: caller,
    target: `user:${caller.id}`,
    source: caller.source,
  });
  return new Problem("wrong_password", "The password is wrong.");
}
