// The secrets of authenticator apps, and recovery codes.
import { z } from "zod";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { maybe, one, type Sql } from "../database/connect.ts";

/** Stores a secret that the person has yet to confirm, in the place of one before it. @returns false if a confirmed one is there, and for an account that is gone */
export async function insertSecret(sql: Sql, userId: number, secret: Buffer): Promise<boolean> {
  const rows = await sql`
    insert into totp_secrets as t (user_id, secret)
    select id, ${secret}::bytea from users where id = ${userId} and deleted_at is null
    on conflict (user_id) do update
    set secret = excluded.secret, created_at = now(), last_step = 0
    where t.confirmed_at is null
    returning user_id
  `;
  return rows.length > 0;
}

const Secret = z.object({
  /** The sealed secret in hexadecimal digits. */
  secret: z.string(),
  is_confirmed: z.boolean(),
});

export async function findSecret(
  sql: Sql,
  userId: number,
): Promise<{ secret: Buffer; isConfirmed: boolean } | undefined> {
  const row = maybe(
    await sql`
      select encode(secret, 'hex') as secret, confirmed_at is not null as is_confirmed
      from totp_secrets where user_id = ${userId}
    `,
    Secret,
  );
  return row && { secret: Buffer.from(row.secret, "hex"), isConfirmed: row.is_confirmed };
}

/** Uses the code of a time step. @returns false if it, or a later one, was used before */
export async function takeStep(sql: Sql, userId: number, step: number): Promise<boolean> {
  const rows = await sql`
    update totp_secrets set last_step = ${step} where user_id = ${userId} and last_step < ${step} returning user_id
  `;
  return rows.length > 0;
}

/** Uses a recovery code. @returns false if there is none such */
export async function takeRecoveryCode(sql: Sql, userId: number, hash: Buffer): Promise<boolean> {
  const rows = await sql`
    delete from recovery_codes where user_id = ${userId} and code_hash = ${hash} returning user_id
  `;
  return rows.length > 0;
}

/**
 * Turns the second factor on, with new recovery codes.
 * @param secret the one that was checked; another request may have replaced it
 * @returns false if it is on already, or the secret is another one
 */
export async function confirmSecret(
  sql: Sql,
  caller: Actor,
  { secret, step, codeHashes }: { secret: Buffer; step: number; codeHashes: Buffer[] },
): Promise<boolean> {
  const hashes = codeHashes.map((hash) => hash.toString("hex"));
  const row = one(
    await sql`
      with confirmed as (
        update totp_secrets set confirmed_at = now(), last_step = ${step}
        where user_id = ${caller.id} and secret = ${secret} and confirmed_at is null
        returning user_id
      ),
      codes as (
        insert into recovery_codes (user_id, code_hash)
        select user_id, decode(hash, 'hex') from confirmed, unnest(${hashes}::text[]) as hash
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "enable_totp",
          outcome: "ok",
          actor: caller,
          target: `user:${caller.id}`,
          source: caller.source,
        },
        sql`from confirmed`,
      )})
      select exists (select from confirmed) as done
    `,
    z.object({ done: z.boolean() }),
  );
  return row.done;
}

/** Turns the second factor off. @returns whether it was on */
export async function deleteSecret(sql: Sql, caller: Actor): Promise<boolean> {
  const row = one(
    await sql`
      with removed as (
        delete from totp_secrets where user_id = ${caller.id} and confirmed_at is not null returning user_id
      ),
      codes as (
        delete from recovery_codes where user_id in (select user_id from removed)
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "disable_totp",
          outcome: "ok",
          actor: caller,
          target: `user:${caller.id}`,
          source: caller.source,
        },
        sql`from removed`,
      )})
      select exists (select from removed) as done
    `,
    z.object({ done: z.boolean() }),
  );
  return row.done;
}
