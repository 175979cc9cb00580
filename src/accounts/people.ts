// Finding other people: only names are searched and shown, never e-mail addresses.
import type { Ctx } from "../context.ts";
import type { PersonFound, UserSearchQuery } from "../wire/users.ts";
import type { Caller } from "./access-tokens.ts";
import { findUsersByPart } from "./user-queries.ts";

/** A shorter text would match nearly everybody. */
const queryCharactersMin = 2;
const usernameText = /^[A-Za-z0-9_.-]+$/;

/** Finds people by a part of their username; nobody for a text that is too short, or that no username can have in it. */
export async function searchUsers(
  ctx: Ctx,
  caller: Caller,
  { query, limit }: UserSearchQuery,
): Promise<PersonFound[]> {
  if (query.length < queryCharactersMin || !usernameText.test(query)) return [];
  return await findUsersByPart(ctx.sql, { part: query, exceptUserId: caller.id, limit });
}
