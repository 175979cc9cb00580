import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import type { Profile } from "../wire/users.ts";
import type { Caller } from "./access-tokens.ts";
import { findProfile } from "./people-queries.ts";

/** Problem `not_found` for people who do not exist, and for those who have blocked the caller and share no chat with them. */
export function personNotFound(): Problem {
  return new Problem("not_found", "There is no such person.");
}

/** @throws Problem `not_found` */
export async function getProfile(ctx: Ctx, caller: Caller, userId: number): Promise<Profile> {
  const profile = await findProfile(ctx.sql, caller.id, userId);
  if (!profile) throw personNotFound();
  return profile;
}
