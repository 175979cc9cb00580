// The part of a room's history that is read for one prompt is not larger than a prompt.
import { expect, test } from "bun:test";
import { findPastMessages } from "../../../src/answers/prompt/queries.ts";
import { findMessagesToSummarise } from "../../../src/answers/prompt/summary-queries.ts";
import { useWorld } from "../../world/world.ts";

const world = useWorld();

async function spoken(...contents: string[]) {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  for (const content of contents) await ann.say(chat.id, content);
  return async (limits: { limit: number; bytesMax: number | undefined }) => {
    const past = await findPastMessages(world.sql, chat.id, {
      upToSeq: contents.length,
      ...limits,
    });
    return past.map(({ content }) => content);
  };
}

test("messages are read from the newest on until their texts fill the prompt", async () => {
  const read = await spoken("a".repeat(100), "🥕🥕", "question");
  expect(await read({ limit: 10, bytesMax: 16 })).toEqual(["🥕🥕", "question"]);
  expect(await read({ limit: 10, bytesMax: 15 })).toEqual(["question"]);
  expect(await read({ limit: 10, bytesMax: undefined })).toHaveLength(3);
});

test("the question is read however long it is, and no more messages than are wanted", async () => {
  const question = "long ".repeat(1_000).trim();
  const read = await spoken("before", "before it", question);
  expect(await read({ limit: 10, bytesMax: 1 })).toEqual([question]);
  expect(await read({ limit: 2, bytesMax: undefined })).toEqual(["before it", question]);
});

test("the messages to summarise are read from the oldest on, between two numbers, and one at least", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const other = await ann.chat();
  for (const content of ["one", "🥕🥕", "three", "four"]) {
    await ann.say(chat.id, content);
    await ann.say(other.id, "elsewhere");
  }
  const read = async (range: { afterSeq: number; limit?: number; bytesMax?: number }) => {
    const past = await findMessagesToSummarise(world.sql, chat.id, {
      upToSeq: 3,
      limit: 10,
      bytesMax: undefined,
      ...range,
    });
    return past.map(({ content }) => content);
  };
  expect(await read({ afterSeq: 0 })).toEqual(["one", "🥕🥕", "three"]);
  expect(await read({ afterSeq: 1 })).toEqual(["🥕🥕", "three"]);
  expect(await read({ afterSeq: 0, limit: 2 })).toEqual(["one", "🥕🥕"]);
  expect(await read({ afterSeq: 0, bytesMax: 11 })).toEqual(["one", "🥕🥕"]);
  expect(await read({ afterSeq: 1, bytesMax: 1 })).toEqual(["🥕🥕"]);
  expect(await read({ afterSeq: 3 })).toEqual([]);
});
