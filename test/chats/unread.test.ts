// Unread messages are counted by subtraction; this holds the subtraction against the definition.
import { beforeAll, expect } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import { bothTest, timesOf } from "../world/long.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const Summaries = z.array(z.object({ id: z.int(), unread_count: z.int() }));
const Messages = z.array(z.object({ seq: z.int(), user_id: z.int().nullable() }));
const Read = z.object({ last_read_seq: z.int() });

const step = fc.oneof(
  fc.record({ do: fc.constant("say" as const), who: fc.constantFrom("ann", "ben") }),
  fc.record({ do: fc.constant("burst" as const), who: fc.constantFrom("ann", "ben") }),
  fc.record({
    do: fc.constant("read" as const),
    who: fc.constantFrom("ann", "ben"),
    seq: fc.option(fc.nat({ max: 40 }), { nil: undefined }),
  }),
  fc.record({ do: fc.constant("ask" as const), who: fc.constantFrom("ann", "ben") }),
  fc.record({ do: fc.constant("back" as const), who: fc.constant("ben") }),
);

bothTest(
  "unread are others' messages above the read position, whoever writes, asks, reads, leaves and comes back",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const chat = await ann.chat({ with: [ben] });
        const path = `/api/chats/${chat.id}`;
        const position = new Map([
          [ann, 0],
          [ben, 0],
        ]);
        for (const { do: what, who, ...more } of steps) {
          const person = who === "ann" ? ann : ben;
          if (what === "say") await person.say(chat.id, "hello");
          if (what === "ask") await person.say(chat.id, "/bot hello");
          if (what === "burst") {
            await Promise.all([1, 2, 3].map(() => person.say(chat.id, "hello")));
          }
          if (what === "read") {
            const { body } = await person.api("POST", `${path}/mark-read`, more);
            position.set(person, Read.parse(body).last_read_seq);
          }
          if (what === "back") {
            await ben.api("POST", `${path}/leave`);
            await ann.api("POST", `${path}/invite`, { username: ben.username });
            const { body } = await ben.api("GET", path);
            position.set(ben, z.object({ updated_seq: z.int() }).parse(body).updated_seq);
          }
        }
        for (const [person, lastRead] of position) {
          const { body } = await person.api("GET", `${path}/messages?limit=200`);
          const unread = Messages.parse(body).filter(
            (message) => message.seq > lastRead && message.user_id !== person.id,
          );
          const { body: chats } = await person.api("GET", "/api/chats");
          const summary = Summaries.parse(chats).find(({ id }) => id === chat.id);
          expect(summary?.unread_count).toBe(unread.length);
        }
      }),
      { numRuns: timesOf(20) },
    );
  },
  timesOf(60_000),
);
