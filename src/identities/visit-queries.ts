// Visits to providers, and the codes that browsers get at their end.
import { z } from "zod";
import { maybe, type Sql } from "../database/connect.ts";

/** Visits under way at most, whoever has begun them: some hundred bytes each. */
const visitsMax = 100_000;

export interface NewVisit {
  readonly secretHash: Buffer;
  readonly provider: string;
  readonly returnTo: string;
  readonly proofHash: Buffer;
  /** The session whose person the identity is linked to. */
  readonly sessionId: string | undefined;
  readonly ttlSeconds: number;
}

/** @returns false if too many are under way */
export async function insertVisit(sql: Sql, visit: NewVisit): Promise<boolean> {
  const rows = await sql`
    insert into provider_visits (secret_hash, provider, return_to, proof_hash, session_id, expires_at)
    select ${visit.secretHash}::bytea, ${visit.provider}::text, ${visit.returnTo}::text, ${visit.proofHash}::bytea,
      ${visit.sessionId ?? null}::uuid, now() + ${visit.ttlSeconds} * interval '1 second'
    where (select count(*) from provider_visits) < ${visitsMax}
    returning provider
  `;
  return rows.length > 0;
}

const TakenVisit = z.object({
  return_to: z.string(),
  /** The hash in hexadecimal digits. */
  proof_hash: z.string(),
  session_id: z.uuid().nullable(),
});
export type TakenVisit = z.infer<typeof TakenVisit>;

/** Uses a visit, which is then over. */
export async function takeVisit(
  sql: Sql,
  secretHash: Buffer,
  provider: string,
): Promise<TakenVisit | undefined> {
  return maybe(
    await sql`
      delete from provider_visits
      where secret_hash = ${secretHash} and provider = ${provider} and expires_at > now()
      returning return_to, encode(proof_hash, 'hex') as proof_hash, session_id
    `,
    TakenVisit,
  );
}

/** @returns false if the person's account is gone, or has another password hash by now */
export async function insertSignInCode(
  sql: Sql,
  code: {
    hash: Buffer;
    user: { id: number; hashed_password: string };
    provider: string;
    /** The hash in hexadecimal digits. */
    proofHash: string;
    ttlSeconds: number;
  },
): Promise<boolean> {
  const { id, hashed_password: hashedPassword } = code.user;
  const rows = await sql`
    insert into sign_in_codes (code_hash, user_id, provider, proof_hash, password_digest, expires_at)
    select ${code.hash}::bytea, id, ${code.provider}::text, decode(${code.proofHash}, 'hex'),
      sha256(convert_to(hashed_password, 'UTF8')), now() + ${code.ttlSeconds} * interval '1 second'
    from users where id = ${id} and hashed_password = ${hashedPassword} and deleted_at is null
    returning user_id
  `;
  return rows.length > 0;
}

const CodeHolder = z.object({
  id: z.int(),
  username: z.string(),
  hashed_password: z.string(),
  totp_enabled: z.boolean(),
  provider: z.string(),
});

/**
 * Uses a code, if the browser has shown what it has to.
 * @param proofHashes the SHA-256 of what it has shown
 * @returns the person, unless the password was changed since the code was made
 */
export async function takeSignInCode(
  sql: Sql,
  hash: Buffer,
  proofHashes: Buffer[],
): Promise<z.infer<typeof CodeHolder> | undefined> {
  const proofs = proofHashes.map((proof) => proof.toString("hex"));
  return maybe(
    await sql`
      with taken as (
        delete from sign_in_codes
        where code_hash = ${hash} and encode(proof_hash, 'hex') = any (${proofs}::text[]) and expires_at > now()
        returning user_id, provider, password_digest
      )
      select u.id, u.username, u.hashed_password, taken.provider,
        exists (select from totp_secrets t where t.user_id = u.id and t.confirmed_at is not null) as totp_enabled
      from taken
      join users u on u.id = taken.user_id and u.deleted_at is null
      where taken.password_digest = sha256(convert_to(u.hashed_password, 'UTF8'))
    `,
    CodeHolder,
  );
}

/** Deletes visits and codes that have expired, `limit` of each at most. @returns how many */
export async function deleteExpiredVisits(sql: Sql, limit: number): Promise<number> {
  const visits = await sql`
    delete from provider_visits
    where secret_hash = any (array(
      select secret_hash from provider_visits where expires_at < now() order by expires_at limit ${limit}
    ))
    returning provider
  `;
  const codes = await sql`
    delete from sign_in_codes
    where code_hash = any (array(
      select code_hash from sign_in_codes where expires_at < now() order by expires_at limit ${limit}
    ))
    returning provider
  `;
  return visits.length + codes.length;
}
