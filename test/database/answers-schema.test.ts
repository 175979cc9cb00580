// Rows that the tables of answers refuse, and rows that are deleted together.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { insert, openSchema } from "../world/schema.ts";
import { defaultSettings } from "../world/world.ts";

let schema: Awaited<ReturnType<typeof openSchema>>;
beforeAll(async () => {
  schema = await openSchema();
});
afterAll(() => schema.close());

type Columns = Record<string, string | number>;

const run = (columns: Columns) =>
  insert("answer_runs", { chat_id: 1, reserved_tokens: 0, lease_expires_at: "now()", ...columns });

const budget = (columns: Columns) =>
  insert("budgets", { kind: "'user'", id: 9, day: "now()", ...columns });

const usage = (columns: Columns) =>
  insert("usage_days", { kind: "'user'", id: 1, day: "'2026-11-23'", ...columns });

const summary = (columns: Columns) =>
  insert("chat_summaries", { chat_id: 1, up_to_seq: 4, content: "'a'", ...columns });

const receipt = (columns: Columns) =>
  insert("answer_receipts", {
    message_id: 2,
    model: "'gemini'",
    settings: "'{}'",
    message_ids: "'{1}'",
    message_versions: "'{2}'",
    estimated_tokens: 1,
    ...columns,
  });

test.each<[what: string, statement: string, constraint: string]>([
  ["a second run of an answer", run({ message_id: 3 }), "answer_runs_message_id_key"],
  ["a reservation below zero", run({ reserved_tokens: -1 }), "answer_runs_reserved_tokens_check"],

  ["a budget of something else", budget({ kind: "'team'" }), "budgets_kind_check"],
  ["a second budget of somebody", budget({ id: 1 }), "budgets_pkey"],
  ["running answers below zero", budget({ running: -1 }), "budgets_running_check"],
  ["reserved tokens below zero", budget({ reserved_tokens: -1 }), "budgets_reserved_tokens_check"],
  ["used tokens below zero", budget({ used_tokens: -1 }), "budgets_used_tokens_check"],
  ["a ratio below a half", budget({ token_ratio: 0.4 }), "budgets_token_ratio_check"],
  ["a ratio above two", budget({ token_ratio: 2.1 }), "budgets_token_ratio_check"],

  ["the use of something else", usage({ kind: "'team'" }), "usage_days_kind_check"],
  ["a day twice", usage({}), "usage_days_pkey"],

  ["a summary of no chat", summary({ chat_id: 99 }), "chat_summaries_chat_id_fkey"],
  ["a summary of nothing", summary({ up_to_seq: 0 }), "chat_summaries_up_to_seq_check"],
  ["a summary without words", summary({ content: "''" }), "chat_summaries_content_check"],
  [
    "a second summary up to a number",
    summary({ up_to_seq: 3 }),
    "chat_summaries_chat_id_up_to_seq_key",
  ],

  ["a receipt of no answer", receipt({ message_id: 99 }), "answer_receipts_message_id_fkey"],
  ["a second receipt", receipt({ message_id: 3 }), "answer_receipts_pkey"],
  ["a message without its version", receipt({ message_versions: "'{}'" }), "answer_receipts_check"],
  ["a summary without its reach", receipt({ summary_id: 1 }), "answer_receipts_check1"],
  ["a reach without its summary", receipt({ summary_up_to_seq: 2 }), "answer_receipts_check1"],
])("the schema refuses %s", async (_, statement, constraint) => {
  expect(await schema.refusal(statement)).toBe(constraint);
});

test.each<[what: string, statement: string]>([
  ["runs whose questions are not stored", `${run({})}; ${run({})}`],
  ["a chat's budget beside its namesake's", budget({ kind: "'chat'" })],
  ["another day", usage({ day: "'2026-11-24'" })],
  ["a summary of another chat up to the same number", summary({ chat_id: 2, up_to_seq: 3 })],
  ["a receipt with a summary", receipt({ summary_id: 1, summary_up_to_seq: 2 })],
])("the schema accepts %s", async (_, statement) => {
  expect(await schema.refusal(statement)).toBeUndefined();
});

test("a new chat has every setting, as the server's choice", async () => {
  const row = await schema.after("select 1", "select settings from chats where id = 1");
  expect(row?.settings).toEqual(defaultSettings);
});

describe("a chat's summaries", () => {
  /** The summaries that a statement leaves, as chat:number. */
  async function left(statement: string) {
    const query = `
      select string_agg(chat_id || ':' || up_to_seq, ' ' order by chat_id, up_to_seq) as left from chat_summaries
    `;
    return (await schema.after(statement, query))?.left;
  }
  const all = "1:2 1:3 2:9";
  const inChat2 = insert("messages", {
    chat_id: 2,
    user_id: 2,
    content: "'a'",
    seq: 1,
    updated_seq: 1,
    ordinal: 1,
  });

  test.each<[what: string, statement: string, left: string]>([
    ["nothing happens", "select 1", all],
    [
      "every summarised message is edited",
      "update messages set content = 'no' where id = 1",
      "2:9",
    ],
    ["the newest of it is edited", "update messages set content = 'no' where id = 2", "1:2 2:9"],
    ["a message is edited to what it was", "update messages set content = content", all],
    ["a message is only counted anew", "update messages set updated_seq = 9 where id = 1", all],
    [
      "somebody who wrote is gone",
      "delete from chats where id = 2; delete from users where id = 2",
      "1:2 1:3",
    ],
    ["the first message is removed", "delete from messages where id = 1", "2:9"],
    ["a question is removed with its answer", "delete from messages where id = 2", "1:2 2:9"],
    [
      "messages of two chats are removed at once",
      `${inChat2}; delete from messages where id in (2, 4)`,
      "1:2",
    ],
    ["the chat is deleted", "delete from chats where id = 1", "2:9"],
  ])("when %s", async (_, statement, expected) => {
    expect(await left(statement)).toBe(expected);
  });

  test("stay while an answer is written, and when it ends", async () => {
    const upToAnswer = summary({ up_to_seq: 4 });
    const written = "update messages set content = 'All' where id = 3";
    const ended = "update messages set content = 'All of it.', status = 'complete' where id = 3";
    const edited = "update messages set content = 'Nothing.' where id = 3";
    expect(await left(`${upToAnswer}; ${written}; ${ended}`)).toBe("1:2 1:3 1:4 2:9");
    expect(await left(`${upToAnswer}; ${written}; ${ended}; ${edited}`)).toBe(all);
  });
});

describe("of an answer", () => {
  const query = `
    select (select count(*) from answer_receipts) as receipts, (select count(*) from answer_runs) as runs,
      (select count(*) from budgets) as budgets, (select count(*) from usage_days) as days
  `;

  test.each([
    ["its message", "delete from messages where id = 3"],
    ["its question", "delete from messages where id = 2"],
  ])(
    "the receipt goes with %s, and the run stays, which has something to give back",
    async (_, statement) => {
      expect(await schema.after(statement, query)).toEqual({
        receipts: 0,
        runs: 1,
        budgets: 2,
        days: 2,
      });
    },
  );
});
