// Seals the secrets of webhooks again while SECRET_KEY is replaced, so that they outlive SECRET_KEY_PREVIOUS.
import { z } from "zod";
import type { Ctx } from "../context.ts";
import { many, type Sql } from "../database/connect.ts";
import { sealedAgain } from "./secrets.ts";

const pageSize = 200;

/** A webhook whose secrets are in hexadecimal digits. */
const Sealed = z.object({
  id: z.int(),
  sealed_secret: z.string(),
  sealed_previous: z.string().nullable(),
});
type Sealed = z.infer<typeof Sealed>;

/**
 * Seals secrets that only SECRET_KEY_PREVIOUS can read with SECRET_KEY. A server calls it when it starts and about every 10 minutes, since
 * servers that have not been updated yet seal with the previous key. Without a previous key it asks the database nothing.
 */
export async function resealSecrets(ctx: Ctx): Promise<void> {
  const { sql, log, config, lifecycle } = ctx;
  if (config.previousSecretKey === undefined) return;
  let changed = 0;
  let lost = 0;
  for (let after: number | undefined = 0; after !== undefined && !lifecycle.closing;) {
    const page = await findSealed(sql, after);
    const resealed: { before: Sealed; now: Sealed }[] = [];
    for (const before of page) {
      const secret = inHex(ctx, before.sealed_secret);
      const previous = before.sealed_previous === null ? null : inHex(ctx, before.sealed_previous);
      if (secret === undefined) lost += 1;
      const now = {
        id: before.id,
        sealed_secret: secret ?? before.sealed_secret,
        sealed_previous: previous ?? before.sealed_previous,
      };
      const isNew =
        now.sealed_secret !== before.sealed_secret ||
        now.sealed_previous !== before.sealed_previous;
      if (isNew) resealed.push({ before, now });
    }
    if (resealed.length > 0) changed += await storeSealed(sql, resealed);
    after = page.length < pageSize ? undefined : page.at(-1)?.id;
  }
  if (changed > 0)
    log.info({ webhooks: changed }, "sealed the secrets of webhooks with the new key");
  if (lost > 0) log.warn({ webhooks: lost }, "secrets of webhooks cannot be read by either key");
}

function inHex(ctx: Ctx, sealed: string): string | undefined {
  return sealedAgain(ctx, Buffer.from(sealed, "hex"))?.toString("hex");
}

async function findSealed(sql: Sql, after: number): Promise<Sealed[]> {
  return many(
    await sql`
      select id, encode(sealed_secret, 'hex') as sealed_secret, encode(sealed_previous, 'hex') as sealed_previous
      from webhooks where id > ${after} order by id limit ${pageSize}
    `,
    Sealed,
  );
}

/** A secret that was rotated meanwhile stays as it is. @returns how many webhooks were changed */
async function storeSealed(
  sql: Sql,
  resealed: readonly { before: Sealed; now: Sealed }[],
): Promise<number> {
  const rows = await sql`
    update webhooks w
    set sealed_secret = decode(new.secret, 'hex'), sealed_previous = decode(new.previous, 'hex')
    from unnest(
      ${resealed.map(({ now }) => now.id)}::bigint[],
      ${resealed.map(({ before }) => before.sealed_secret)}::text[],
      ${resealed.map(({ now }) => now.sealed_secret)}::text[],
      ${resealed.map(({ now }) => now.sealed_previous)}::text[]
    ) as new (id, before, secret, previous)
    where w.id = new.id and w.sealed_secret = decode(new.before, 'hex')
    returning w.id
  `;
  return rows.length;
}
