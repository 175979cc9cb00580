// Creating, listing and revoking access keys.
import { makeAccessKey } from "../accounts/access-keys.ts";
import { hashSecret, type Caller } from "../accounts/access-tokens.ts";
import { checkSessionAgain, sessionEnded } from "../accounts/authentication.ts";
import { endSessions } from "../accounts/recent-sessions.ts";
import type { Ctx } from "../context.ts";
import {
  keysPerAccountMax,
  type AccessKey,
  type CreatedKey,
  type CreateKeyInput,
} from "../wire/access-keys.ts";
import { Problem } from "../wire/problems.ts";
import { deleteKey, findKeys, insertKey } from "./queries.ts";

const hintLength = 4;

/**
 * Creates a key for the caller's account, or for one of the caller's bots. The key itself is in the result only.
 * @throws Problem `not_found` for an account that is none of these, `invalid`, `too_many_keys`, `invalid_token` when the session has ended
 * meanwhile
 */
export async function createKey(
  ctx: Ctx,
  caller: Caller,
  accountId: number,
  input: CreateKeyInput,
): Promise<CreatedKey> {
  if (input.expires_at != null && Date.parse(input.expires_at) <= ctx.now().getTime()) {
    throw invalid("/expires_at", "expires_at must be in the future.");
  }
  const key = makeAccessKey();
  const result = await insertKey(
    ctx.sql,
    { owner: caller, accountId },
    { ...input, hash: hashSecret(key), hint: key.slice(-hintLength) },
  );
  if (!result) {
    await checkSessionAgain(ctx, caller);
    throw new Problem("not_found", "You have no such bot.");
  }
  if (result.outcome === "session_ended") throw sessionEnded();
  if (result.outcome === "no_chat") {
    throw invalid("/chat_ids", "chat_ids must name chats that you are in.");
  }
  if (result.outcome !== "created") {
    throw new Problem(
      "too_many_keys",
      `This account has ${keysPerAccountMax} access keys, which is the most. Delete one first.`,
    );
  }
  return { ...result.key, key };
}

function invalid(pointer: string, detail: string): Problem {
  return new Problem("invalid", detail, { errors: [{ pointer, detail }] });
}

/** The keys of the caller and of the caller's bots, the latest first. */
export async function listKeys(ctx: Ctx, caller: Caller): Promise<AccessKey[]> {
  return await findKeys(ctx.sql, caller.id);
}

/** Revokes a key of the caller or of one of the caller's bots, and closes its sockets. @throws Problem `not_found` */
export async function revokeKey(ctx: Ctx, caller: Caller, keyId: number): Promise<void> {
  const revoked = await deleteKey(ctx.sql, caller, keyId);
  if (!revoked) throw new Problem("not_found", "You have no such access key.");
  if (revoked.session_id !== null) endSessions(ctx, [revoked.session_id]);
}
