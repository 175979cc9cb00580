// The texts of edited and deleted messages that the tables keep.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { insert, openSchema } from "../world/schema.ts";

let schema: Awaited<ReturnType<typeof openSchema>>;
beforeAll(async () => {
  schema = await openSchema();
});
afterAll(() => schema.close());

const version = insert("message_versions", {
  message_id: 1,
  updated_seq: 2,
  content: "'helo'",
  created_at: "now()",
});
const gone = "content = '', deleted_at = now(), updated_seq = 9, content_seq = 9";

describe("the versions of a message", () => {
  const left = async (statement: string) =>
    (await schema.after(`${version}; ${statement}`, "select count(*) as n from message_versions"))
      ?.n;

  test("have one text a number, and belong to a message", async () => {
    expect(await schema.refusal(`${version}; ${version}`)).toBe("message_versions_pkey");
    const strange = version.replace("(1, 2", "(99, 2");
    expect(await schema.refusal(strange)).toBe("message_versions_message_id_fkey");
  });

  test("stay when it is edited, and go when it is deleted or removed with its chat", async () => {
    expect(await left("update messages set content = 'hello' where id = 1")).toBe(1);
    expect(await left(`update messages set ${gone} where id = 2`)).toBe(1);
    expect(await left(`update messages set ${gone} where id = 1`)).toBe(0);
    expect(await left("delete from messages where id = 1")).toBe(0);
  });
});

test("the number of a content lies between that of the message and that of its last change", async () => {
  const set = (values: string) => schema.refusal(`update messages set ${values} where id = 1`);
  expect(await set("content_seq = 2")).toBeUndefined();
  expect(await set("content_seq = 5, updated_seq = 7")).toBeUndefined();
  expect(await set("content_seq = 1")).toBe("messages_content_seq_check");
  expect(await set("content_seq = 3")).toBe("messages_content_seq_check");
});

test("a deleted message has no text, no mentions and no reactions, and is no running answer", async () => {
  const set = (values: string, id = 1) =>
    schema.refusal(`update messages set ${gone}, ${values} where id = ${id}`);
  const rule = "messages_deleted_check";
  expect(await set("mentions = '{}'")).toBeUndefined();
  expect(await set("mentions = '{1}'")).toBe(rule);
  expect(await set("reactions = '[{}]'")).toBe(rule);
  const text = "update messages set deleted_at = now() where id = 1";
  expect(await schema.refusal(text)).toBe(rule);
  expect(await set("status = 'streaming'", 3)).toBe(rule);
});
