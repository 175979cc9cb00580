// Tickets for `<img>` and `<video>`, which cannot send an Authorization header. A ticket names its person, their session and one
// attachment, and is signed; nothing is stored. Whether the person is still in the chat is looked up with each use.
import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { checkSession } from "../accounts/authentication.ts";
import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx, Identity } from "../context.ts";
import type { FileTicket } from "../wire/attachments.ts";
import { Problem } from "../wire/problems.ts";
import { attachmentNotFound } from "./not-found.ts";
import { findServed } from "./queries.ts";

const ttlSeconds = 300;
/** No token that is signed with the same key begins with it. */
const purpose = "attachment-ticket.";

const Claims = z.object({
  user: z.int(),
  name: z.string(),
  session: z.uuid(),
  attachment: z.int(),
  expires: z.int(),
});

/** @throws Problem `not_found` */
export async function issueTicket(
  ctx: Ctx,
  caller: Caller,
  { chatId, attachmentId }: { chatId: number; attachmentId: number },
): Promise<FileTicket> {
  if (!(await findServed(ctx.sql, caller.id, chatId, attachmentId))) {
    throw await attachmentNotFound(ctx, caller.id, chatId);
  }
  const claims: z.infer<typeof Claims> = {
    user: caller.id,
    name: caller.username,
    session: caller.sessionId,
    attachment: attachmentId,
    expires: Math.floor(ctx.now().getTime() / 1000) + ttlSeconds,
  };
  const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return {
    ticket: `${payload}~${signatureOf(ctx.config.secretKey, payload)}`,
    expires_in: ttlSeconds,
  };
}

/** The person of a ticket for an attachment. @throws Problem `invalid_token` */
export async function redeemTicket(
  ctx: Ctx,
  ticket: string,
  attachmentId: number,
): Promise<Identity> {
  const [payload = "", signature = ""] = ticket.split("~");
  const { previousSecretKey } = ctx.config;
  const keys = [
    ctx.config.secretKey,
    ...(previousSecretKey === undefined ? [] : [previousSecretKey]),
  ];
  const isSigned = keys.some((key) => isSame(signatureOf(key, payload), signature));
  const claims = isSigned ? Claims.safeParse(parsed(payload)).data : undefined;
  if (!claims || claims.attachment !== attachmentId) {
    throw new Problem("invalid_token", "The ticket is not one of this file. Get a new one.");
  }
  const identity = {
    id: claims.user,
    username: claims.name,
    sessionId: claims.session,
    expiresAtMs: claims.expires * 1000,
  };
  if (identity.expiresAtMs <= ctx.now().getTime()) {
    throw new Problem("invalid_token", "The ticket has expired. Get a new one.");
  }
  await checkSession(ctx, identity);
  return identity;
}

const signatureOf = (key: string, payload: string) =>
  new Bun.CryptoHasher("sha256", key).update(purpose + payload).digest("base64url");

function isSame(expected: string, actual: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(actual)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString());
  } catch {
    return undefined;
  }
}
