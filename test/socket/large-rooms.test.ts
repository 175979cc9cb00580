// A room of a chat with more than 100 participants, over real sockets.
import { beforeAll, expect, test } from "bun:test";
import { onlineMax } from "../../src/wire/frames.ts";
import { useWorld, type Person } from "../world/world.ts";

const presenceChangedMs = 100;

let ann: Person;
let ben: Person;
let chatId: number;
const world = useWorld({ durations: { presenceChangedMs } });
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
  await addPeople(onlineMax - 1);
});

/** Adds participants that nobody signs in as. */
async function addPeople(count: number) {
  await world.sql`
    with people as (
      insert into users (username, email, hashed_password)
      select 'extra' || n, 'extra' || n || '@example.com', 'none' from generate_series(1, ${count}::int) n
      returning id
    ),
    added as (insert into chat_participants (chat_id, user_id) select ${chatId}, id from people)
    update chats set participant_count = participant_count + ${count}::int where id = ${chatId}
  `;
}

test("people who come and go are gathered, and joined counts them", async () => {
  const reader = await ann.joined(chatId);
  expect(reader.ofType("joined")).toMatchObject([{ online_count: 1 }]);
  const first = await ben.joined(chatId);
  expect(first.ofType("joined")).toMatchObject([{ online_count: 2 }]);
  const bens = { user_id: ben.id, username: ben.username };
  expect(await reader.next("presence_changed")).toEqual({
    type: "presence_changed",
    chat_id: chatId,
    joined: [bens],
    left: [],
    online_count: 2,
  });
  await first.close();
  expect(await reader.next("presence_changed")).toMatchObject({ left: [bens], online_count: 1 });
  const types = reader.frames.map(({ type }) => type);
  expect(types).not.toContain("user_joined");
  expect(types).not.toContain("user_left");
  await reader.close();
});
