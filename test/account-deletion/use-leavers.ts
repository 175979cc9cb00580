// A server whose people leave for good.
import { beforeAll } from "bun:test";
import { continueDeletions } from "../../src/account-deletion/job.ts";
import { Passwords } from "../../src/accounts/passwords.ts";
import { useWorld, type Person } from "../world/world.ts";

export const password = "correct horse battery";

/** To be called once, at the beginning of a file. */
export function useLeavers() {
  // The recurring task is called by the tests.
  const world = useWorld({ durations: { purgeMs: 3_600_000 } });
  let hash: string;
  beforeAll(async () => {
    hash = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
  });

  async function leaver(name = "leaver"): Promise<Person> {
    const person = await world.person(name);
    await world.sql`update users set hashed_password = ${hash} where id = ${person.id}`;
    return person;
  }

  const deleteMe = (person: Person, messages: unknown = "keep", typed: unknown = password) =>
    person.api("DELETE", "/api/auth/me", { password: typed, messages });

  async function untilFinished() {
    for (;;) {
      await continueDeletions(world.ctx);
      const left = await world.sql`select 1 from account_deletions`;
      if (left.length === 0) return;
    }
  }

  const history = async (person: Person, chatId: number) =>
    (await person.api("GET", `/api/chats/${chatId}/messages?limit=200&after_seq=0`)).body;

  return { world, leaver, deleteMe, untilFinished, history };
}
