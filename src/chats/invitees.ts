// The people whom a chat is to be opened with.
import type { Caller } from "../accounts/access-tokens.ts";
import { findBlocksAmong } from "../accounts/block-queries.ts";
import { personBlocked } from "../accounts/blocks.ts";
import { findUsersByName, type NamedUser } from "../accounts/user-queries.ts";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";

/**
 * Finds the people of a new chat, without the caller.
 * @throws Problem `not_found` for usernames that do not exist
 */
export async function findOthers(
  ctx: Ctx,
  caller: Caller,
  usernames: string[],
): Promise<NamedUser[]> {
  if (usernames.length === 0) return [];
  const found = await findUsersByName(ctx.sql, usernames);
  const known = new Set(found.map((user) => user.username.toLowerCase()));
  if (usernames.some((username) => !known.has(username.toLowerCase()))) {
    await refuseBlocked(ctx, caller, found, usernames);
  }
  return found.filter((user) => user.id !== caller.id);
}

/**
 * Refuses to bring people together of whom one has blocked the other.
 * @param found those of the usernames that exist
 * @throws Problem `not_found` for usernames that do not exist or whose people have blocked the caller, which the caller cannot tell
 * apart, `person_blocked`
 */
export async function refuseBlocked(
  ctx: Ctx,
  caller: Caller,
  found: NamedUser[],
  usernames: string[],
): Promise<void> {
  if (usernames.length === 0) return;
  const blocks = await findBlocksAmong(
    ctx.sql,
    caller.id,
    found.map((user) => user.id),
  );
  const visible = found.filter((user) => blocks.get(user.id) !== "other");
  const known = new Set([caller, ...visible].map((user) => user.username.toLowerCase()));
  const unknown = usernames.filter((username) => !known.has(username.toLowerCase()));
  if (unknown.length > 0) throw nobodyNamed(unknown.slice(0, 5).join(", "));
  const blocked = visible.find((user) => blocks.has(user.id));
  if (blocked) throw personBlocked(blocked.username);
}

/** Problem `not_found` for usernames that do not exist. */
export function nobodyNamed(names: string): Problem {
  return new Problem("not_found", `Nobody is registered under the name ${names}.`);
}
