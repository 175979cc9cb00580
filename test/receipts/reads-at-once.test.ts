// A person who reads at three screens while somebody writes to them.
import { expect, setDefaultTimeout } from "bun:test";
import { insertMessages } from "../../src/log/insert.ts";
import { updateReadPosition } from "../../src/receipts/position-queries.ts";
import { useWorld } from "../world/world.ts";
import { longTest } from "../world/long.ts";

// On a busy machine.
setDefaultTimeout(60_000);

const world = useWorld();
const messages = 200;

longTest("moves the position step by step, and no statement is ended by a deadlock", async () => {
  const { sql } = world;
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  let isOver = false;
  async function write(): Promise<void> {
    for (let n = 0; n < messages; n += 1) {
      const { id: userId, username } = ann;
      // A mention locks the row of the person whom it mentions.
      const more = { content: "@all", clientId: undefined, runId: undefined, mentions: [ben.id] };
      await insertMessages(sql, [{ chatId: chat.id, userId, username, ...more }], {
        leaseSeconds: 6,
      });
    }
    isOver = true;
  }
  async function read(): Promise<number[]> {
    const seen: number[] = [];
    while (!isOver) {
      const position = await updateReadPosition(sql, ben.id, chat.id, undefined);
      seen.push(position?.last_read_seq ?? 0);
    }
    return seen;
  }
  // Not through the context, which repeats statements that a deadlock has ended.
  const [, ...screens] = await Promise.all([write(), read(), read(), read()]);
  for (const seen of screens) expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  const last = await updateReadPosition(sql, ben.id, chat.id, undefined);
  expect(last).toMatchObject({ last_read_seq: messages });
});
