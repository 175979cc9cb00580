// The import lists the chats, messages and times that it leaves out or changes.
import { expect } from "bun:test";
import { giveBackDatabase } from "../../world/cluster.ts";
import { fastapiDatabase, type Tables } from "../../world/fastapi-database.ts";
import { at, base, hash, useImports, user } from "./importing.ts";
import { longTest } from "../../world/long.ts";

const { folder, imported, rowsOf, run } = useImports();

longTest(
  "chats without people are left out, and others get an owner, room for their people and a name",
  async () => {
    const lines = await imported({
      users: [user(3, "carl"), user(4, "dora")],
      chats: [
        { id: 2, name: "nobody", created_by: 1, created_at: at },
        { id: 3, name: "owner is gone", is_group: true, created_by: 4, created_at: at },
        { id: 4, name: "owner never was", is_group: true, created_by: 99, created_at: at },
        { id: 5, name: "three", is_group: false, created_by: 1, created_at: at },
        { id: 6, name: "n".repeat(101), is_group: true, created_by: 1, created_at: at },
        { id: 7, name: null, is_group: true, created_by: 2, created_at: at },
        { id: 8, name: "a\u0000b", is_group: true, created_by: null, created_at: at },
        { id: 9, name: null, is_group: false, created_by: 2, created_at: at },
        { id: 10, name: "Ben", is_group: false, created_by: 1, created_at: at },
        { id: 11, name: "Homework", is_group: false, created_by: 1, created_at: at },
      ],
      chat_participants: [
        [2, 99],
        [3, 1],
        [3, 2],
        [4, 2],
        [5, 1],
        [5, 2],
        [5, 3],
        [6, 1],
        [7, 1],
        [7, 2],
        [8, 2],
        [9, 1],
        [9, 2],
        [10, 1],
        [10, 2],
        [11, 1],
        [11, 3],
        [11, 3],
      ].map(([chat_id = 0, user_id = 0], index) => ({
        chat_id,
        user_id,
        joined_at: `2024-01-02 10:00:${30 - index}`,
      })),
      messages: [
        { id: 5, chat_id: 2, user_id: 1, content: "to nobody", created_at: at },
        { id: 6, chat_id: 9, user_id: 1, content: "the newest of both", created_at: at },
      ],
      message_read_receipts: [{ message_id: 5, user_id: 1 }],
    });
    expect(lines).toEqual([
      "chats 2: left out: nobody is in it",
      "chats 3: taken, but its owner 4 is not in it: user 2 becomes the owner",
      "chats 4: taken, but its owner 99 is not in it: user 2 becomes the owner",
      "chats 5: taken, but it is private and has 3 people: it becomes a group",
      "chats 6: taken, but its name is cut to 100 characters",
      "chats 8: taken, but its name loses characters that cannot be stored",
      'chat_participants chat "2", user "99": left out: there is no such user',
      'chat_participants chat "11", user "3": left out: an earlier row has the same chat and user',
      "messages 5: left out: the chat is left out",
      'message_read_receipts message "5", user "1": left out: the message is left out',
    ]);
    const chats = await rowsOf(
      "select id, name, is_named, owner_id, is_group, participant_count from chats where id > 1 order by id",
    );
    expect(chats).toEqual([
      [3, "owner is gone", true, 2, true, 2],
      [4, "owner never was", true, 2, true, 1],
      [5, "three", true, 1, true, 3],
      [6, "n".repeat(100), true, 1, true, 1],
      [7, "Ben, ann", true, 2, true, 2],
      [8, "ab", true, 2, true, 1],
      [9, "Ben, ann", false, 2, false, 2],
      [10, "Ben", false, 1, false, 2],
      [11, "Homework", true, 1, false, 2],
    ]);
    expect(
      await rowsOf("select low_user_id, high_user_id, chat_id from private_chats order by 1, 2"),
    ).toEqual([
      [1, 2, 9],
      [1, 3, 11],
    ]);
  },
);

longTest(
  "messages of unknown chats and blank or endless ones are left out, and those of unknown users are kept",
  async () => {
    const message = (id: number, more: Tables[string][number]) => ({
      id,
      chat_id: 1,
      user_id: 1,
      content: `message ${id}`,
      is_bot: false,
      created_at: `2024-01-02 10:00:${id}`,
      ...more,
    });
    const lines = await imported({
      messages: [
        message(10, { chat_id: 99 }),
        message(11, { content: " \n\t\u00a0" }),
        message(12, { content: "" }),
        message(13, { content: new Uint8Array([1, 2]) }),
        message(14, { content: "x".repeat(100_001) }),
        message(15, { content: "👩".repeat(16_001) }),
        message(16, { content: "a\u0000b" }),
        message(17, { content: "\u0000" }),
        message(18, { user_id: 99 }),
        message(19, { user_id: null }),
        message(20, { user_id: null, is_bot: null }),
        message(21, { user_id: 2, is_bot: true, content: "y".repeat(20_000) }),
        message(22, { user_id: null, is_bot: true, content: " " }),
        message(23, { content: 5 }),
      ],
      message_read_receipts: [
        { message_id: 11, user_id: 1 },
        { message_id: 15, user_id: 99 },
        { message_id: 77, user_id: 1 },
      ],
    });
    expect(lines).toEqual([
      "messages 10: left out: there is no such chat",
      "messages 11: left out: its content is blank",
      "messages 12: left out: its content is blank",
      "messages 13: left out: its content is no text",
      "messages 14: left out: its content has 100001 characters, more than 100000",
      "messages 15: taken, but its 16001 characters are kept, although people may write 16000 at most",
      "messages 16: taken, but it loses characters that cannot be stored",
      "messages 17: left out: its content is blank",
      'messages 18: taken, but its author "99" is not among the users: it is shown as a deleted user\'s',
      "messages 19: taken, but its author none is not among the users: it is shown as a deleted user's",
      "messages 22: left out: its content is blank",
      'message_read_receipts message "11", user "1": left out: the message is left out',
      'message_read_receipts message "15", user "99": left out: the user is not in the chat',
      'message_read_receipts message "77", user "1": left out: there is no such message',
    ]);
    expect(
      await rowsOf(
        "select id, user_id, is_bot, char_length(content), seq from messages order by seq",
      ),
    ).toEqual([
      [1, 1, false, 5, 1],
      [15, 1, false, 16_001, 2],
      [16, 1, false, 2, 3],
      [18, null, false, 10, 4],
      [19, null, false, 10, 5],
      [20, null, true, 10, 6],
      [21, null, true, 20_000, 7],
      [23, 1, false, 1, 8],
    ]);
  },
);

longTest(
  "times without a zone are in UTC, and impossible ones are replaced by those of what they belong to",
  async () => {
    const message = (id: number, created_at: string | number | null) => ({
      id,
      chat_id: 1,
      user_id: 1,
      content: "hello",
      is_bot: false,
      created_at,
    });
    const lines = await imported({
      users: [user(3, "carl", { created_at: "0000-00-00 00:00:00" })],
      chats: [{ id: 2, name: "second", is_group: true, created_by: 1, created_at: null }],
      chat_participants: [{ chat_id: 2, user_id: 1, joined_at: "yesterday" }],
      messages: [
        message(10, "2024-01-02T12:00:00+02:00"),
        message(11, "2024-02-30 10:00:00"),
        message(12, "2024-01-02 10:30:00.999999"),
        message(13, null),
        message(14, "9999-12-31 00:00:00"),
        message(15, "1969-12-31 23:59:59"),
        message(16, 1_704_189_600),
        message(17, "2024-01-02 11:30"),
        message(18, "2024-01-03"),
        { ...message(19, "2024-01-02 10:15:00Z"), chat_id: 2 },
        { ...message(20, ""), chat_id: 2 },
      ],
    });
    const impossible = (given: string, instead: string) =>
      `its time ${given} is missing or impossible: it gets that of ${instead}`;
    const previous = "the message before it";
    expect(lines).toEqual([
      `users 3: taken, but ${impossible('"0000-00-00 00:00:00"', "the import")}`,
      `chats 2: taken, but ${impossible("none", "its first message")}`,
      `chat_participants chat "2", user "1": taken, but ${impossible('"yesterday"', "the chat")}`,
      `messages 11: taken, but ${impossible('"2024-02-30 10:00:00"', previous)}`,
      `messages 13: taken, but ${impossible("none", previous)}`,
      `messages 14: taken, but ${impossible('"9999-12-31 00:00:00"', previous)}`,
      `messages 15: taken, but ${impossible('"1969-12-31 23:59:59"', previous)}`,
      `messages 16: taken, but ${impossible('"1704189600"', previous)}`,
      `messages 20: taken, but ${impossible('""', previous)}`,
    ]);
    const times = await rowsOf("select id, created_at from messages order by chat_id, seq");
    expect(times).toEqual([
      [1, "2024-01-02T10:00:00.000Z"],
      [10, "2024-01-02T10:00:00.000Z"],
      [11, "2024-01-02T10:00:00.000Z"],
      [12, "2024-01-02T10:30:00.999Z"],
      [13, "2024-01-02T10:30:00.999Z"],
      [14, "2024-01-02T10:30:00.999Z"],
      [15, "2024-01-02T10:30:00.999Z"],
      [16, "2024-01-02T10:30:00.999Z"],
      [17, "2024-01-02T11:30:00.000Z"],
      [18, "2024-01-03T00:00:00.000Z"],
      [19, "2024-01-02T10:15:00.000Z"],
      [20, "2024-01-02T10:15:00.000Z"],
    ]);
    expect(await rowsOf("select created_at from chats where id = 2")).toEqual([
      ["2024-01-02T10:15:00.000Z"],
    ]);
  },
);

longTest(
  "in PostgreSQL rows of unknown chats and users, and times that no calendar has, are found as well",
  async () => {
    const from = await fastapiDatabase(
      "postgres",
      folder,
      base,
      `
      insert into users (id, username, email, hashed_password, created_at)
      values (3, 'carl', 'carl@example.com', '${hash}', 'infinity');
      insert into messages (id, chat_id, user_id, content, created_at)
      values (2, 9, 1, 'x', '${at}'), (3, 1, 9, 'x', '0044-03-15 12:00:00 BC');
    `,
    );
    try {
      const expected = [
        'users 3: taken, but its time "infinity" is missing or impossible: it gets that of the import',
        "messages 2: left out: there is no such chat",
        'messages 3: taken, but its time "0044-03-15 12:00:00 BC" is missing or impossible: it gets that of the message before it; ' +
          'its author "9" is not among the users: it is shown as a deleted user\'s',
      ];
      expect(await run(from, { dryRun: true })).toEqual(expected);
      expect(await run(from)).toEqual(expected);
    } finally {
      await giveBackDatabase(from);
    }
  },
);

longTest(
  "without a table of receipts everything counts as read, and columns that only some servers have may be missing",
  async () => {
    const from = await fastapiDatabase(
      "sqlite",
      folder,
      {},
      `
      drop table message_read_receipts; drop table chats; drop table chat_participants;
      create table chats (id integer primary key, name text);
      create table chat_participants (chat_id integer, user_id integer, role text, primary key (chat_id, user_id));
      insert into users (id, username, email, hashed_password) values (1, 'ann', 'a@x.de', '${hash}'), (2, 'ben', 'b@x.de', '${hash}');
      insert into chats values (1, 'Physics');
      insert into chat_participants values (1, 1, 'member'), (1, 2, 'admin');
      insert into messages (id, chat_id, user_id, content) values (1, 1, 1, 'one'), (2, 1, 2, 'two');
    `,
    );
    expect(await run(from)).toEqual([]);
    expect(await rowsOf("select owner_id, is_group from chats")).toEqual([[2, false]]);
    expect(
      await rowsOf(
        "select user_id, last_read_seq, own_count, own_read_count from chat_participants order by 1",
      ),
    ).toEqual([
      [1, 2, 1, 1],
      [2, 2, 1, 1],
    ]);
  },
);

longTest(
  "groups and lists of chats that are larger than the limits are kept, and named",
  async () => {
    const numbers = (from: number, to: number) =>
      `(with recursive s (n) as (select ${from} union all select n + 1 from s where n < ${to}) select n from s)`;
    const from = await fastapiDatabase(
      "sqlite",
      folder,
      base,
      `
      insert into users (id, username, email, hashed_password)
      select n, 'user' || n, n || '@example.com', '${hash}' from ${numbers(3, 2_001)};
      insert into chat_participants (chat_id, user_id) select 1, n from ${numbers(3, 2_001)};
      insert into chats (id, name, is_group, created_by) select n, 'chat', true, 2 from ${numbers(2, 1_001)};
      insert into chat_participants (chat_id, user_id) select n, 2 from ${numbers(2, 1_001)};
    `,
    );
    expect(await run(from)).toEqual([
      "users 2: taken, but its 1001 chats are kept, although a person has 1000 at most",
      "chats 1: taken, but its 2001 people are kept, although a group holds 2000",
    ]);
    expect(await rowsOf("select count(*) from chat_participants")).toEqual([[3_001]]);
  },
);
