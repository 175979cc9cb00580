// Runs whose server is gone, and the difference from a server that only stands still.
import { z } from "zod";
import { many, ownProcess, type Sql } from "../../database/connect.ts";
import { Usage } from "../../wire/messages.ts";
import { Lease } from "./queries.ts";

/**
 * Seconds after which a run whose lease is not renewed counts as abandoned, whatever has become of its server. With a shorter
 * lease, the model would be asked twice where a server stands still, or waits for PostgreSQL, on an overloaded machine.
 */
export const leaseSeconds = 30;
/**
 * Seconds after which a run counts as abandoned if its server's connection to PostgreSQL is gone, too, as that of a process that
 * was killed is at once, or if that cannot be told because there is a pooler. With the half second between two looks for such
 * runs, the answer of a server that was killed goes on elsewhere within 5 s.
 */
export const silenceSeconds = 4.5;

const ClaimedRun = z.object({
  ...Lease.shape,
  message_id: z.int().nullable(),
  chat_id: z.int(),
  reserved_tokens: z.int(),
  stop_requested: z.boolean(),
  usage: Usage.nullable(),
});
export type ClaimedRun = z.infer<typeof ClaimedRun>;

/**
 * Takes over runs whose server has not renewed the lease for `leaseSeconds`, or for `silenceSeconds` and is gone. No other server
 * gets them, and the one before can no longer write them.
 * @param ownIds runs of this node, which may only have been late with the renewal, or with the reply of the database
 */
export async function claimAbandonedRuns(
  sql: Sql,
  ownIds: number[],
  limit: number,
): Promise<ClaimedRun[]> {
  return many(
    await sql`
      update answer_runs r
      set attempt = r.attempt + 1, lease_expires_at = now() + ${leaseSeconds} * interval '1 second',
        holder_pid = ${ownProcess(sql)}
      from (
        select id from answer_runs
        where lease_expires_at < now() + ${leaseSeconds - silenceSeconds} * interval '1 second'
          -- Servers of a version before write no holder, and renew a lease of a few seconds: that one has to run out.
          and (lease_expires_at < now() or (holder_pid is not null and message_id is not null and not exists (
            select from pg_stat_activity a
            where a.pid = holder_pid
              -- Another process may have got the id meanwhile.
              and a.backend_start < lease_expires_at - ${leaseSeconds} * interval '1 second'
          )))
          and id <> all (${ownIds}::bigint[])
        order by lease_expires_at
        limit ${limit}
        for update skip locked
      ) abandoned
      where r.id = abandoned.id
      returning r.id, r.attempt, r.message_id, r.chat_id, r.reserved_tokens, r.stop_requested, r.usage
    `,
    ClaimedRun,
  );
}
