// People talk in one room through a proxy that loses, delays, doubles and reorders what they send and hear, and breaks
// their connections. Then it is quiet, and what each has on the screen is compared with what somebody sees who comes now.
import type { Message, Room, RoomSnapshot, SendResult } from "gemini-coop/client";
import { createRandom, startFaultProxy, type FaultCounts } from "gemini-coop/client/faults";
import { answer, finish, say } from "../../src/emulator/script.ts";
import type { World } from "../world/world.ts";
import { createPeople, quick, until, type SignedIn } from "./people.ts";

const settleMsMax = 60_000;

export interface Story {
  seed: string;
  messages: number;
  reconnects: number;
}

export interface Outcome {
  /** The results of all sends. */
  results: SendResult[];
  /** What each person has at the end, and what somebody has who comes then. */
  seen: Shown[];
  fresh: Shown;
  /** What was written, by name. */
  written: Map<string, string[]>;
  counts: FaultCounts;
  reconnects: number;
}

export type Shown = Pick<RoomSnapshot, "chat" | "participants" | "messages" | "pending">;

const patient = { replyMs: 400, resyncMs: 500, giveUpMs: settleMsMax, ...quick.timing };

export async function playStory(world: World, story: Story): Promise<Outcome> {
  const proxy = await startFaultProxy({ target: world.url, seed: story.seed });
  const random = createRandom(story.seed).fork("people");
  const behind = createPeople(() => proxy.url);
  const direct = createPeople(() => world.url);
  try {
    const people = [
      await behind.signedIn({ timing: patient }),
      await behind.signedIn({ timing: patient }),
      await behind.signedIn({ timing: patient }),
    ];
    const [owner] = people;
    if (!owner) throw new Error("nobody is there");
    const chat = await owner.api.createChat({
      is_group: true,
      participant_usernames: people.slice(1).map(({ name }) => name),
    });
    const rooms = people.map((person) => person.room(chat.id));
    await Promise.all(rooms.map((room) => until(room, ({ state }) => state === "live")));
    let reconnects = 0;
    for (const person of people) {
      let was = "live";
      person.connection.subscribe(() => {
        const { state } = person.connection.getSnapshot();
        if (was !== "offline" && state === "offline") reconnects += 1;
        was = state;
      });
    }

    proxy.play({
      drop: 0.01,
      double: 0.02,
      delay: 0.03,
      reorder: 0.02,
      cut: 0.002,
      delayMsMax: 15,
    });
    const written = new Map(people.map(({ name }): [string, string[]] => [name, []]));
    const sendings: Promise<SendResult>[] = [];
    const batch = Math.ceil(story.messages / (story.reconnects / people.length));
    for (let count = 0; count < story.messages; count += 1) {
      const index = random.int(0, people.length - 1);
      const content = random.chance(0.02) ? `/bot question ${count}` : `message ${count}`;
      if (content.startsWith("/bot")) {
        world.gemini.respondWith(
          answer(say(`answer to ${count}: `), say("one, "), say("two."), finish()),
        );
      }
      written.get(people[index]?.name ?? "")?.push(content);
      const sending = rooms[index]?.send(content);
      if (sending) sendings.push(sending.settled);
      if (random.chance(0.005)) await owner.api.changeChat(chat.id, { name: `named at ${count}` });
      if (count % batch < batch - 1) continue;
      await Promise.race(sendings.slice(-3));
      await Bun.sleep(random.int(1, 30));
      proxy.cut();
    }
    const results = await Promise.all(sendings);
    proxy.play({});
    const lastSeq = (await owner.api.getChat(chat.id)).last_seq;
    const settled = rooms.map((room) =>
      until(
        room,
        (now) =>
          now.state === "live" &&
          (now.chat?.last_seq ?? 0) >= lastSeq &&
          now.messages.every((message) => message.status !== "streaming"),
      ),
    );
    await Promise.all(settled);
    const newcomer = await visitor(direct, owner, chat.id);
    return {
      results,
      seen: await Promise.all(rooms.map(wholeRoom)),
      fresh: await wholeRoom(newcomer),
      written,
      counts: proxy.counts,
      reconnects,
    };
  } finally {
    behind.closeAll();
    direct.closeAll();
    await proxy.stop();
  }
}

/** One of the people once more, in another browser. */
async function visitor(
  direct: ReturnType<typeof createPeople>,
  { name }: SignedIn,
  chatId: number,
) {
  const client = direct.open();
  await client.session.login({ username: name, password: direct.password });
  const room = client.room(chatId);
  await until(room, ({ state }) => state === "live");
  return room;
}

async function wholeRoom(room: Room): Promise<Shown> {
  while (await room.loadOlder());
  const { chat, participants, messages, pending } = room.getSnapshot();
  return { chat, participants, messages, pending };
}

/** What each person has in the room, in the order of its numbers. */
export function saidBy(messages: readonly Message[], name: string): string[] {
  return messages.filter(({ username }) => username === name).map(({ content }) => content);
}
