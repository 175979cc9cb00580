// Bots: accounts in which only programs act, by their access keys. A bot has no password, and nothing that it writes asks the model or
// another bot.
import { createKey } from "../access-keys/actions.ts";
import { deleteBots } from "../account-deletion/delete-bots.ts";
import type { Caller } from "../accounts/access-tokens.ts";
import { checkSessionAgain } from "../accounts/authentication.ts";
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import type { CreatedKey, CreateKeyInput } from "../wire/access-keys.ts";
import { botsPerPersonMax, type Bot, type CreateBotInput } from "../wire/bots.ts";
import { isReservedUsername } from "../wire/mentions.ts";
import { Problem } from "../wire/problems.ts";
import { findBots, insertBot } from "./queries.ts";

/** @throws Problem `username_taken` (without regard to case), `too_many_bots`, `invalid_token` when the account is gone */
export async function createBot(
  ctx: Ctx,
  caller: Caller,
  { username }: CreateBotInput,
): Promise<Bot> {
  if (isReservedUsername(username)) throw usernameTaken(username);
  try {
    const bot = await insertBot(ctx.sql, caller, username);
    if (bot) return bot;
  } catch (error) {
    if (databaseError(error)?.constraint === "users_username_key") throw usernameTaken(username);
    throw error;
  }
  await checkSessionAgain(ctx, caller);
  throw new Problem(
    "too_many_bots",
    `You have ${botsPerPersonMax} bots, which is the most. Delete one first.`,
  );
}

function usernameTaken(username: string): Problem {
  return new Problem("username_taken", `The username ${username} is taken. Choose another.`);
}

/** The caller's bots, the latest first. */
export async function listBots(ctx: Ctx, caller: Caller): Promise<Bot[]> {
  return await findBots(ctx.sql, caller.id);
}

/** Deletes a bot of the caller. What it wrote stays under `Deleted user`. @throws Problem `not_found` */
export async function deleteBot(ctx: Ctx, caller: Caller, botId: number): Promise<void> {
  const deleted = await deleteBots(ctx, caller, { botId, erases: false });
  if (deleted === 0) throw botNotFound();
}

/** Creates a key for a bot of the caller. @throws Problem `not_found`, `invalid`, `too_many_keys` */
export async function createBotKey(
  ctx: Ctx,
  caller: Caller,
  botId: number,
  input: CreateKeyInput,
): Promise<CreatedKey> {
  // The caller's own account is none of the bots.
  if (botId === caller.id) throw botNotFound();
  return await createKey(ctx, caller, botId, input);
}

function botNotFound(): Problem {
  return new Problem("not_found", "You have no such bot.");
}
