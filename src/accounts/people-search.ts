// Finding other people: only names are searched and shown, never e-mail addresses.
import type { Ctx } from "../context.ts";
import type { Profile, UserSearchQuery } from "../wire/users.ts";
import type { Caller } from "./access-tokens.ts";
import { foldCase } from "../wire/folding.ts";
import { foldName } from "./name-search.ts";
import { findPeople } from "./people-queries.ts";

/** A shorter text would match nearly everybody. */
const queryCharactersMin = 2;
const usernameText = /^[a-z0-9_.-]+$/;

/**
 * Finds people by a part of their username, or by the beginning of a word of their display name; nobody for a text that is too short,
 * and none of those who have blocked the caller, or whom the caller has blocked.
 */
export async function searchUsers(
  ctx: Ctx,
  caller: Caller,
  { query, limit }: UserSearchQuery,
): Promise<Profile[]> {
  if (isShort(query.normalize("NFC"))) return [];
  const username = foldCase(query);
  const namePart = foldName(query);
  return await findPeople(ctx.sql, {
    usernamePart: usernameText.test(username) && !isShort(username) ? username : undefined,
    namePart: isShort(namePart) ? undefined : namePart,
    callerId: caller.id,
    limit,
  });
}

const isShort = (text: string) => Array.from(text).length < queryCharactersMin;
