// The statuses of people at the end of a block, and the wait until their clients are shown them.
import { z } from "zod";
import { many, type Sql } from "../../../src/database/connect.ts";
import { goneMsMax, statusFor } from "./check-presence.ts";
import type { Client } from "./client.ts";
import type { PresenceRecord } from "./history.ts";
import type { Random } from "./random.ts";

const pollMs = 100;
/** A change is told within 2 s. Before that, what is shown may be right by chance. */
const changeMs = 2_500;
const claimMsMax = 20_000;
/** A little longer than anything may take, so that what comes too late is seen to. */
const settleMsMax = goneMsMax + 5_000;

export interface PresenceParts {
  /** Everybody who watches. */
  clients: readonly Client[];
  /** Somebody who is watched, and may have gone for good. */
  absentee: Client;
  strangers: readonly Client[];
  random: Random;
}

/** Lets everybody claim something once more, and waits until everybody is shown it, or for too long. */
export async function settlePresence(
  sql: Sql,
  { clients, absentee, strangers, random }: PresenceParts,
): Promise<PresenceRecord> {
  await Promise.all(clients.map((client) => claim(client, random.chance(0.5) ? "away" : "online")));
  const everybody = [...clients, absentee];
  const ids = new Set(everybody.map(({ person }) => person.id));
  const together = await findTogether(sql, [...ids]);
  const record = (): PresenceRecord => ({
    statuses: new Map(Array.from(ids, (id) => [id, statusOf(everybody, id)])),
    together,
    strangers: strangers.map(({ person }) => person.id),
    absent: absentee.lostAt === undefined ? undefined : absentOf(absentee, absentee.lostAt),
  });
  const isShown = (client: Client) => {
    const now = record();
    return ids
      .values()
      .every((id) => client.shown.get(id) === statusFor(now, client.person.id, id));
  };
  await Bun.sleep(changeMs);
  const begun = Math.max(performance.now(), absentee.lostAt ?? 0);
  while (!clients.every(isShown) && performance.now() - begun < settleMsMax) {
    await Bun.sleep(pollMs);
  }
  return record();
}

const absentOf = ({ person }: Client, lostAt: number) => ({ userId: person.id, lostAt });

async function claim(client: Client, status: string) {
  const deadline = performance.now() + claimMsMax;
  while (!(await client.claim(status)) && performance.now() < deadline) await Bun.sleep(pollMs);
}

/** The best of what a person's clients claim. */
function statusOf(clients: readonly Client[], userId: number): string {
  const claims = clients
    .filter(({ person, lostAt }) => person.id === userId && lostAt === undefined)
    .map(({ claimed }) => claimed);
  if (claims.length === 0) return "offline";
  return claims.includes("online") ? "online" : "away";
}

/** The pairs of these people that share a chat. */
async function findTogether(sql: Sql, userIds: number[]): Promise<Set<string>> {
  const rows = many(
    await sql`
      select distinct me.user_id || ' ' || p.user_id as pair
      from chat_participants me
      join chat_participants p on p.chat_id = me.chat_id
      where me.user_id = any (${userIds}::bigint[]) and p.user_id = any (${userIds}::bigint[])
    `,
    z.object({ pair: z.string() }),
  );
  return new Set(rows.map(({ pair }) => pair));
}
