// The access keys that requests and sockets are authenticated with.
import { z } from "zod";
import { maybe, type Sql } from "../database/connect.ts";
import { Scope } from "../wire/scopes.ts";

const HeldKey = z.object({
  id: z.int(),
  user_id: z.int(),
  username: z.string(),
  is_bot: z.boolean(),
  session_id: z.uuid(),
  scopes: z.array(Scope),
  chat_ids: z.array(z.int()).nullable(),
  /** Milliseconds since the epoch; null: the key does not expire. */
  expires_at_ms: z.int().nullable(),
});
export type HeldKey = z.infer<typeof HeldKey>;

/** Finds a key that is valid, by its hash. */
export async function findKey(sql: Sql, hash: Buffer): Promise<HeldKey | undefined> {
  return maybe(
    await sql`
      select k.id, k.user_id, u.username, u.bot_owner_id is not null as is_bot, s.id as session_id, k.scopes, k.chat_ids,
        floor(extract(epoch from k.expires_at) * 1000)::bigint as expires_at_ms
      from access_keys k
      join sessions s on s.access_key_id = k.id and s.expires_at > now()
      join users u on u.id = k.user_id and u.deleted_at is null
      where k.key_hash = ${hash}
    `,
    HeldKey,
  );
}

/** Notes the use of a key, at most once a minute and key. */
export async function noteKeyUse(sql: Sql, keyId: number, address: string): Promise<void> {
  await sql`
    update access_keys
    set last_used_at = now(), last_used_address = ${address}
    where id = ${keyId} and (last_used_at is null or last_used_at < now() - interval '1 minute')
  `;
}
