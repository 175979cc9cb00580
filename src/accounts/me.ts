// The caller's own account: its profile, and its settings.
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import type { UpdateMeInput, User } from "../wire/users.ts";
import type { Caller } from "./access-tokens.ts";
import { findUser, updateUser } from "./user-queries.ts";
import { readVisibility } from "./visibility.ts";

/** @throws Problem `invalid_token` when the caller's account is gone */
export async function getMe(ctx: Ctx, caller: Caller): Promise<User> {
  return existing(await findUser(ctx.sql, caller.id));
}

/**
 * Changes the caller's profile and settings; absent members stay as they are. The people in their chats are told by PeopleNotices.
 * @throws Problem `invalid_token` when the account is gone, `rate_limited` for too many changes of the profile
 */
export async function changeMe(ctx: Ctx, caller: Caller, input: UpdateMeInput): Promise<User> {
  if (input.display_name !== undefined || input.bio !== undefined) {
    const { refusal } = await ctx.rateLimits.take("profileChanges", { userId: caller.id });
    if (refusal) throw refusal;
  }
  const user = existing(await updateUser(ctx.sql, caller, input));
  ctx.peers.lookAt("people");
  if (input.presence === undefined) return user;
  ctx.peers.visibilityChanged(caller.id);
  ctx.peers.lookAt("presence");
  // The replies to two changes may come in the wrong order.
  await readVisibility(ctx, caller.id);
  return user;
}

function existing(user: User | undefined): User {
  if (!user) throw new Problem("invalid_token", "This account does not exist any more.");
  return user;
}
