// Recurring tasks.
import { describe, expect, test } from "bun:test";
import { cleanUpLinks } from "../src/account-mail/actions.ts";
import { cleanUpSessions } from "../src/accounts/authentication.ts";
import { cleanUpVisits } from "../src/identities/visits.ts";
import { useWorld } from "./world/world.ts";

const world = useWorld();

/** More than two pages of any clean-up below. */
const backlog = 20_500;

describe("a clean-up removes all that came in since the last one, however much it was", () => {
  test("of sessions and tickets that have expired", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    await world.sql`
      insert into sessions (id, user_id, refresh_token_hash, expires_at)
      select gen_random_uuid(), ${ann.id}, sha256(n::text::bytea), now() - interval '1 minute'
      from generate_series(1, ${backlog}) n
    `;
    await cleanUpSessions(world.ctx);
    expect([...(await world.sql`select id from sessions where expires_at < now()`)]).toEqual([]);
    // The session in use is still there.
    await ann.say(chat.id, "hello");
  });

  test("of links in mails", async () => {
    const ben = await world.person("ben");
    await world.sql`
      insert into mail_links (link_hash, user_id, purpose, email, created_at, expires_at)
      select sha256(n::text::bytea), ${ben.id}, 'verify_email', 'ben@example.com', now() - interval '2 hours', now() - interval '1 hour'
      from generate_series(1, ${backlog}) n
    `;
    await cleanUpLinks(world.ctx);
    expect([...(await world.sql`select from mail_links where user_id = ${ben.id}`)]).toEqual([]);
  });

  test("of visits to providers", async () => {
    await world.sql`
      insert into provider_visits (secret_hash, provider, return_to, proof_hash, expires_at)
      select sha256(n::text::bytea), 'google', 'http://localhost/', 'x', now() - interval '1 hour'
      from generate_series(1, ${backlog}) n
    `;
    await cleanUpVisits(world.ctx);
    expect([...(await world.sql`select from provider_visits`)]).toEqual([]);
  });
});
