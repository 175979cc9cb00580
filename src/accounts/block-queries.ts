// The people whom a person has blocked.
import { z } from "zod";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { databaseError, many, maybe, one, type Sql } from "../database/connect.ts";
import { quietChatIds } from "../log/block-queries.ts";
import { blockedMax, BlockedPerson } from "../wire/blocks.ts";
import { profileColumns } from "./people-queries.ts";

const Blocking = z.object({
  username: z.string(),
  outcome: z.enum(["added", "present", "full"]),
});

/** Blocks a person, or does nothing if that person is blocked already. @returns undefined for an unknown person, and if the caller's account is gone */
export async function insertBlock(
  sql: Sql,
  caller: Actor,
  userId: number,
): Promise<z.infer<typeof Blocking> | undefined> {
  try {
    // The caller's row is locked, so that of several requests at once each counts the blocks of those before it.
    return maybe(
      await sql`
        with me as materialized (
          select id from users where id = ${caller.id} and deleted_at is null for no key update
        ),
        target as materialized (
          select u.id, u.username from me, users u where u.id = ${userId} and u.deleted_at is null
        ),
        added as (
          insert into user_blocks (blocker_id, blocked_id)
          select ${caller.id}, id from target
          where blocks_of_person(${caller.id}) < ${blockedMax}
          on conflict (blocker_id, blocked_id) do nothing
          returning blocked_id
        ),
        audited as (${insertEvent(
          sql,
          {
            action: "block",
            outcome: "ok",
            actor: caller,
            target: `user:${userId}`,
            source: caller.source,
          },
          sql`from added`,
        )})
        select username, case
          when exists (select from added) then 'added'
          when exists (select from user_blocks where blocker_id = ${caller.id} and blocked_id = target.id) then 'present'
          else 'full'
        end as outcome
        from target
      `,
      Blocking,
    );
  } catch (error) {
    // The account was deleted at the same moment.
    if (databaseError(error)?.code === "23503") return undefined;
    throw error;
  }
}

/** @returns whether the person was blocked */
export async function deleteBlock(sql: Sql, caller: Actor, userId: number): Promise<boolean> {
  const row = one(
    await sql`
      with removed as (
        delete from user_blocks where blocker_id = ${caller.id} and blocked_id = ${userId}
        returning blocked_id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "unblock",
          outcome: "ok",
          actor: caller,
          target: `user:${userId}`,
          source: caller.source,
        },
        sql`from removed`,
      )})
      select exists (select from removed) as removed
    `,
    z.object({ removed: z.boolean() }),
  );
  return row.removed;
}

/** A page of the people whom a person has blocked, the latest first. @param before the id of the last block of the page before */
export async function findBlocked(
  sql: Sql,
  userId: number,
  { limit, before }: { limit: number; before: number | undefined },
): Promise<{ id: number; person: BlockedPerson }[]> {
  const rows = await sql`
    select ${profileColumns(sql)}, b.id as block_id, b.created_at as blocked_at
    from user_blocks b
    join users u on u.id = b.blocked_id
    where b.blocker_id = ${userId} and (${before ?? null}::bigint is null or b.id < ${before ?? null}::bigint)
    order by b.id desc
    limit ${limit}
  `;
  return rows.map(({ block_id, blocked_at, ...user }) => ({
    id: z.int().parse(block_id),
    person: BlockedPerson.parse({ user, blocked_at }),
  }));
}

export interface Blocks {
  blockedIds: number[];
  /** The person's private chats with people whom the person has blocked. */
  quietChatIds: number[];
}

const BlocksRow = z.object({
  user_id: z.int(),
  blocked_ids: z.array(z.int()),
  quiet_chat_ids: z.array(z.int()),
});

/** Finds whom each of some people has blocked. */
export async function findBlocks(
  sql: Sql,
  userIds: readonly number[],
): Promise<Map<number, Blocks>> {
  const rows = many(
    await sql`
      select i.user_id,
        array(select blocked_id from user_blocks where blocker_id = i.user_id order by id limit ${blockedMax}) as blocked_ids,
        array(${quietChatIds(sql, sql`i.user_id`)}) as quiet_chat_ids
      from unnest(${[...userIds]}::bigint[]) as i (user_id)
    `,
    BlocksRow,
  );
  return new Map(
    rows.map((row) => [
      row.user_id,
      { blockedIds: row.blocked_ids, quietChatIds: row.quiet_chat_ids },
    ]),
  );
}

const Blocked = z.object({ user_id: z.int(), by: z.enum(["caller", "other"]) });

/** Finds those of some people between whom and the caller there is a block. Somebody who has blocked the caller counts as `other`. */
export async function findBlocksAmong(
  sql: Sql,
  callerId: number,
  userIds: readonly number[],
): Promise<Map<number, "caller" | "other">> {
  const rows = many(
    await sql`
      select blocked_id as user_id, 'caller' as by from user_blocks
      where blocker_id = ${callerId} and blocked_id = any (${[...userIds]}::bigint[])
      union all
      select blocker_id, 'other' from user_blocks
      where blocked_id = ${callerId} and blocker_id = any (${[...userIds]}::bigint[])
    `,
    Blocked,
  );
  return new Map(rows.map(({ user_id, by }) => [user_id, by]));
}
