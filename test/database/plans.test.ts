// Counts the rows that frequent queries read in tables that are not small. A pooled connection changes to a generic plan after
// a few runs, so both kinds are looked at.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import type { Sql } from "../../src/database/connect.ts";
import { insertMessages } from "../../src/log/insert.ts";
import { findPeople } from "../../src/accounts/people-queries.ts";
import { fillInBulk, openFilled } from "../world/filled.ts";
import { longTest, test } from "../world/long.ts";
import { chatPlans } from "./plans/chat-plans.ts";
import { fromMe, messagePlans } from "./plans/message-plans.ts";
import { peoplePlans } from "./plans/people-plans.ts";

let filled: Awaited<ReturnType<typeof openFilled>>;
let sql: Sql;
beforeAll(async () => {
  filled = await openFilled();
  ({ sql } = filled);
}, 20_000);
afterAll(() => filled.close());

describe.each(["force_custom_plan", "force_generic_plan"])("under %s", (mode) => {
  beforeAll(async () => {
    await sql.unsafe(`set plan_cache_mode = ${mode}`);
  });

  test.each([...messagePlans, ...chatPlans, ...peoplePlans])(
    "$what: by index, and no row too many",
    async ({ run, rows, by }) => {
      const { read, indexes } = await filled.explain(() => run(sql));
      for (const [table, max] of Object.entries(rows)) {
        expect(read, table).toHaveProperty(table);
        expect(read[table] ?? 0, `rows of ${table}`).toBeLessThanOrEqual(max);
      }
      expect(indexes).toEqual(expect.arrayContaining(by));
    },
  );
});

longTest(
  "a search among 100,000 people goes by the indexes, and reads no row too many",
  async () => {
    await sql`set auto_explain.log_min_duration = -1`;
    await fillInBulk(
      sql,
      `
    insert into users (username, email, hashed_password)
    select 'more' || n, 'more' || n || '@example.com', 'x' from generate_series(20001, 100000) n;
    insert into display_name_parts (user_id, part)
    select id, part
    from users, unnest(array['jo muller ' || id, 'muller ' || id, id::text]) part
    where id > 20000;
    `,
    );
    await sql`set auto_explain.log_min_duration = 0`;
    const searches = [
      { usernamePart: "more", namePart: "more", by: ["users_username_order_idx"] },
      { usernamePart: "jo", namePart: "jo", by: ["display_name_parts_part_idx"] },
      { usernamePart: "muller", namePart: "muller", by: ["display_name_parts_part_idx"] },
      { usernamePart: "e99999", namePart: "e99999", by: ["users_username_bigrams_idx"] },
      { usernamePart: undefined, namePart: "muller 77", by: ["display_name_parts_part_idx"] },
    ];
    for (const mode of ["force_custom_plan", "force_generic_plan"]) {
      await sql.unsafe(`set plan_cache_mode = ${mode}`);
      for (const { by, ...parts } of searches) {
        const { read, indexes } = await filled.explain(() =>
          findPeople(sql, { ...parts, callerId: 1, limit: 10 }),
        );
        expect(indexes).toEqual(expect.arrayContaining(by));
        for (const table of ["users", "display_name_parts", "user_blocks"]) {
          expect(read[table] ?? 0, `${JSON.stringify(parts)}, rows of ${table}`).toBeLessThan(
            1_500,
          );
        }
      }
    }
  },
  30_000,
);

test("a table that is read from end to end is noticed", async () => {
  const { read, indexes } = await filled.explain(
    () => sql`select id from messages where content = 'message 7'`,
  );
  expect(read.messages).toBeGreaterThan(20_000);
  expect(indexes).toEqual([]);
});

test("the statement that stores a message is not planned anew each time", async () => {
  await sql.unsafe("set plan_cache_mode = auto");
  const storeFive = async () => {
    for (let time = 0; time < 5; time += 1) {
      const message = { ...fromMe, content: "planned", clientId: crypto.randomUUID() };
      await insertMessages(sql, [message], { leaseSeconds: 6 });
    }
  };
  const customPlans = async () => {
    const [plans] = await sql`
      select sum(custom_plans)::int as custom from pg_prepared_statements where statement like '%insert into messages%'
    `;
    return Number(plans?.custom);
  };
  // PostgreSQL plans a statement anew for the first five times in any case.
  await storeFive();
  const before = await customPlans();
  await storeFive();
  expect(await customPlans()).toBe(before);
});
