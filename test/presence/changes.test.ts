// Changes are found whatever transactions run at the same time.
import { expect, test } from "bun:test";
import { findChanges } from "../../src/presence/queries.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

test("a change that is committed after later ones is found once, and so are those", async () => {
  const people = await Promise.all(["ann", "ben", "cat"].map((name) => world.person(name)));
  const [early = 0, late = 0, last = 0] = people.map(({ id }) => id);
  const serverId = crypto.randomUUID();
  const transaction = await world.sql.reserve();
  const write = (sql: typeof world.sql, userId: number) => sql`
    insert into presence (user_id, server_id, status) values (${userId}, ${serverId}, 'online')
  `;
  let cursor = (await findChanges(world.sql, undefined)).cursor;
  const found = async () => {
    const changes = await findChanges(world.sql, cursor);
    ({ cursor } = changes);
    return changes.people;
  };
  try {
    await transaction`begin`;
    await write(transaction, early);
    await write(world.sql, late);
    expect(await found()).toEqual([late]);
    expect(await found()).toEqual([]);
    await write(world.sql, last);
    await transaction`commit`;
  } finally {
    transaction.release();
  }
  expect((await found())?.toSorted()).toEqual([early, last].toSorted());
  expect(await found()).toEqual([]);
});

test("changes of a backup that was made in a cluster with later transactions are none", async () => {
  const { id } = await world.person();
  const { cursor } = await findChanges(world.sql, undefined);
  await world.sql`
    insert into presence (user_id, server_id, status, changed_xid)
    values (${id}, ${crypto.randomUUID()}, 'online', '1000000000000')
  `;
  expect((await findChanges(world.sql, cursor)).people).toEqual([]);
});
