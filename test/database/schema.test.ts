// Rows that the tables refuse, and rows that are deleted together.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { many, type Sql } from "../../src/database/connect.ts";
import { insert, openSchema, session } from "../world/schema.ts";

describe("the schema", () => {
  let schema: Awaited<ReturnType<typeof openSchema>>;
  let sql: Sql;
  beforeAll(async () => {
    schema = await openSchema();
    ({ sql } = schema);
  });
  afterAll(() => schema.close());

  test.each<[table: string, columns: Record<string, string>]>([
    [
      "users",
      {
        id: "bigint not null",
        username: "text not null",
        email: "text not null",
        hashed_password: "text not null",
        created_at: "timestamp with time zone not null",
      },
    ],
    [
      "chats",
      {
        id: "bigint not null",
        name: "text not null",
        owner_id: "bigint not null",
        is_group: "boolean not null",
        created_at: "timestamp with time zone not null",
      },
    ],
    [
      "chat_participants",
      {
        id: "bigint not null",
        chat_id: "bigint not null",
        user_id: "bigint not null",
        joined_at: "timestamp with time zone not null",
      },
    ],
    [
      "messages",
      {
        id: "bigint not null",
        chat_id: "bigint not null",
        user_id: "bigint",
        content: "text not null",
        is_bot: "boolean not null",
        created_at: "timestamp with time zone not null",
      },
    ],
  ])("has the documented columns of %s", async (table, columns) => {
    const rows = many(
      await sql`
        select attname as name, format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end as type
        from pg_attribute
        where attrelid = ${table}::regclass and attnum > 0 and not attisdropped
      `,
      z.object({ name: z.string(), type: z.string() }),
    );
    const found = Object.fromEntries(rows.map(({ name, type }) => [name, type]));
    expect(found).toMatchObject(columns);
  });

  const user = (username: string, email: string) =>
    `insert into users (username, email, hashed_password) values ('${username}', '${email}', 'x')`;

  const chat = (columns: Record<string, string | number>) =>
    insert("chats", { name: "'a'", owner_id: 1, ...columns });

  const message = (columns: Record<string, string | number>) =>
    insert("messages", {
      chat_id: 1,
      user_id: 1,
      content: "'a'",
      seq: 9,
      updated_seq: 9,
      ordinal: 9,
      ...columns,
    });

  const answer = (columns: Record<string, string | number>) =>
    message({ user_id: "null", content: "''", is_bot: "true", answer_to: 2, ...columns });

  const running = { status: "'streaming'" };

  const event = (columns: Record<string, string | number>) =>
    insert("audit_events", { action: "'sign_in'", outcome: "'ok'", ...columns });

  const change = (columns: Record<string, string | number>) =>
    insert("chat_changes", { chat_id: 1, seq: 9, kind: "'chat_updated'", ...columns });

  test.each<[what: string, statement: string, constraint: string]>([
    ["a username that differs in case only", user("ALICE", "a@b.c"), "users_username_key"],
    ["an email that differs in case only", user("carol", "Alice@Example.com"), "users_email_key"],
    ["a username with a space", user("al ice", "a@b.c"), "users_username_check"],
    ["a username with a line break", user("alic\n", "a@b.c"), "users_username_check"],
    ["a username of one character", user("a", "a@b.c"), "users_username_check"],
    ["a username of 33 characters", user("a".repeat(33), "a@b.c"), "users_username_check"],
    ["an email of two characters", user("carol", "@b"), "users_email_check"],

    ["a chat of nobody", chat({ owner_id: 99 }), "chats_owner_id_fkey"],
    ["a chat's name of 101 characters", chat({ name: `'${"a".repeat(101)}'` }), "chats_name_check"],
    ["a counter below zero", chat({ last_seq: -1, updated_seq: -1 }), "chats_check"],
    ["a change above the counter", chat({ last_seq: 1, updated_seq: 2 }), "chats_check"],
    ["more messages than numbers", chat({ last_seq: 1, message_count: 2 }), "chats_check1"],
    ["messages below zero", chat({ message_count: -1 }), "chats_check1"],
    ["people below zero", chat({ participant_count: -1 }), "chats_participant_count_check"],
    [
      "somebody twice in a chat",
      insert("chat_participants", { chat_id: 1, user_id: 2 }),
      "chat_participants_chat_id_user_id_key",
    ],
    [
      "nobody in a chat",
      insert("chat_participants", { chat_id: 1, user_id: 99 }),
      "chat_participants_user_id_fkey",
    ],
    [
      "somebody in no chat",
      insert("chat_participants", { chat_id: 99, user_id: 1 }),
      "chat_participants_chat_id_fkey",
    ],
    [
      "a read position below zero",
      "update chat_participants set last_read_seq = -1",
      "chat_participants_last_read_seq_check",
    ],

    ["a message of nobody", message({ user_id: 99 }), "messages_user_id_fkey"],
    ["a message without text", message({ content: "''" }), "messages_content_check"],
    ["a number that is taken", message({ seq: 2 }), "messages_chat_id_seq_key"],
    ["a number below one", message({ seq: 0 }), "messages_seq_check"],
    ["a change before the message", message({ updated_seq: 8 }), "messages_check1"],
    ["a place below one", message({ ordinal: 0 }), "messages_ordinal_check"],
    [
      "a client id that its sender has used",
      message({ user_id: 2, client_id: "'c1'" }),
      "messages_client_id_key",
    ],
    ["an empty client id", message({ client_id: "''" }), "messages_client_id_check"],
    [
      "a client id of 65 characters",
      message({ client_id: `'${"a".repeat(65)}'` }),
      "messages_client_id_check",
    ],
    ["an unknown status", answer({ status: "'paused'" }), "messages_status_check"],
    ["a person's message that streams", message(running), "messages_check2"],
    ["a bot's message with a person", answer({ user_id: 1 }), "messages_check3"],
    ["a bot's message with a client id", answer({ client_id: "'c2'" }), "messages_check3"],
    ["an answer to nothing", answer({ answer_to: 99 }), "messages_answer_to_fkey"],
    ["a second running answer to one question", answer(running), "messages_running_answer_key"],

    ["a change at a number that is taken", change({ seq: 1 }), "chat_changes_pkey"],
    ["a change below one", change({ seq: 0 }), "chat_changes_seq_check"],
    ["an unknown change", change({ kind: "'moved'" }), "chat_changes_kind_check"],
    [
      "an answer's end without its message",
      change({ kind: "'answer_ended'" }),
      "chat_changes_message_id_check",
    ],
    [
      "somebody's coming without them",
      change({ kind: "'participant_added'" }),
      "chat_changes_user_id_check",
    ],
    ["a rename with a person", change({ user_id: 1 }), "chat_changes_user_id_check"],
    [
      "a reaction without its emoji",
      change({ kind: "'reaction_added'", message_id: 1, user_id: 1 }),
      "chat_changes_emoji_check",
    ],
    ["a rename with an emoji", change({ emoji: "'👍'" }), "chat_changes_emoji_check"],

    [
      "a ticket that was issued before",
      insert("socket_tickets", {
        ticket_hash: "'a'",
        session_id: `'${session}'`,
        expires_at: "now()",
      }),
      "socket_tickets_pkey",
    ],
    ["an event of half an actor", event({ actor_id: 1 }), "audit_events_check"],
    [
      "an event with a long address",
      event({ address: `'${"1".repeat(65)}'` }),
      "audit_events_address_check",
    ],
    [
      "an event with a long client's name",
      event({ user_agent: `'${"a".repeat(257)}'` }),
      "audit_events_user_agent_check",
    ],
    [
      "an event with much to tell",
      event({ details: `'{"a":"${"a".repeat(4096)}"}'` }),
      "audit_events_details_check",
    ],
    ["taking away a chat's owner", "delete from users where id = 1", "chats_owner_id_fkey"],
  ])("refuses %s", async (_, statement, constraint) => {
    expect(await schema.refusal(statement)).toBe(constraint);
  });

  test.each<[what: string, statement: string]>([
    ["a username of every kind of character", user("a_B-9.z", "a@b.c")],
    ["a client id that somebody else has used", message({ client_id: "'c1'" })],
    ["a client id in another chat", message({ chat_id: 2, user_id: 2, client_id: "'c1'" })],
    ["a number that another chat has", message({ chat_id: 2, seq: 2 })],
    ["another answer once the first has ended", answer({})],
    ["a running answer to another question", answer({ ...running, answer_to: 1 })],
    ["an answer without text", answer({ status: "'failed'" })],
  ])("accepts %s", async (_, statement) => {
    expect(await schema.refusal(statement)).toBeUndefined();
  });

  test.each<[what: string, statement: string]>([
    ["an update", "update audit_events set actor_name = 'mallory'"],
    ["an update that changes nothing", "update audit_events set outcome = outcome where id = 1"],
    ["a deletion", "delete from audit_events"],
    ["a deletion of old ones", "delete from audit_events where id = 1"],
    ["a truncation", "truncate audit_events"],
    ["a truncation along with others", "truncate users, audit_events cascade"],
    [
      "a conflict that is made an update",
      `${event({ id: 1 })} on conflict (id) do update set outcome = 'ok'`,
    ],
    [
      "a deletion of new ones by who has turned the guard off",
      "set local gemini_coop.audit_retention = 'on'; delete from audit_events where id = 2",
    ],
    [
      "an update by who has turned the guard off",
      "set local gemini_coop.audit_retention = 'on'; update audit_events set outcome = 'ok'",
    ],
  ])("keeps the audit from %s, whoever asks", async (_, statement) => {
    expect(await refused(statement)).toMatch(
      /^audit_events is append-only: (update|delete|truncate)/,
    );
  });

  test.each([
    [11, 10, 0],
    [9, 10, 1],
    [9, 0, 0],
    [0, 10, 1],
    [-5, 10, 1],
  ])(
    "lets events of the audit go that are older than %d days, %d at most: %d",
    async (days, size, gone) => {
      const row = await schema.after(
        `select delete_old_audit_events(${days}, ${size})`,
        "select count(*)::int as left, bool_or(id = 2) as newest from audit_events",
      );
      expect(row).toEqual({ left: 2 - gone, newest: true });
    },
  );

  test("keeps the audit of a person and a chat that are gone", async () => {
    const row = await schema.after(
      "delete from chats; delete from users",
      "select array_agg(actor_name order by id) as names from audit_events",
    );
    expect(row).toEqual({ names: ["alice", "bob"] });
  });

  /** Runs a statement, and rolls it back. @returns the text of the error that refuses it, or "nothing" */
  async function refused(statement: string): Promise<string> {
    try {
      await sql.unsafe(`begin; ${statement}; rollback`);
      return "nothing";
    } catch (error) {
      await sql.unsafe("rollback");
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Runs a statement, reads the rows that are left, and rolls it back. */
  const left = (statement: string) =>
    schema.after(
      statement,
      `select
        (select count(*) from sessions) as sessions,
        (select count(*) from socket_tickets) as tickets,
        (select string_agg(chat_id || ':' || user_id, ' ' order by id) from chat_participants) as people,
        (select string_agg(id || ':' || coalesce(user_id::text, ''), ' ' order by id) from messages) as messages,
        (select count(*) from chat_changes) as changes`,
    );

  test("loses nothing by itself", async () => {
    expect(await left("select 1")).toEqual({
      sessions: 1,
      tickets: 1,
      people: "1:1 1:2 2:2",
      messages: "1:2 2:1 3:",
      changes: 1,
    });
  });

  test("keeps what somebody wrote who is gone, and nothing else of them", async () => {
    expect(await left("delete from chats where id = 2; delete from users where id = 2")).toEqual({
      sessions: 0,
      tickets: 0,
      people: "1:1",
      messages: "1: 2:1 3:",
      changes: 0,
    });
  });

  test("loses a question's answers with the question", async () => {
    expect(await left("delete from messages where id = 2")).toMatchObject({ messages: "1:2" });
  });

  test("loses a chat's people with the chat, and notes its messages for the purge", async () => {
    expect(await left("delete from chats where id = 1")).toMatchObject({
      sessions: 1,
      people: "2:2",
      messages: "1:2 2:1 3:",
      changes: 1,
    });
    const noted = "select array_agg(chat_id::int) as chats from deleted_chats";
    expect(await schema.after("delete from chats where id = 1", noted)).toEqual({ chats: [1] });
  });

  test("loses a session's tickets with the session", async () => {
    expect(await left("delete from sessions")).toMatchObject({ tickets: 0 });
  });
});
