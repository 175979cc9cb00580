// People talk in one room through a proxy that loses, delays, doubles and reorders what they send and hear, and breaks
// their connections. Then it is quiet, and what each has on the screen is compared with what somebody sees who comes now.
import type { ChangeResult, Message, Room, RoomSnapshot, SendResult } from "gemini-coop/client";
import {
  createRandom,
  startFaultProxy,
  type FaultCounts,
  type Random,
} from "gemini-coop/client/faults";
import { answer, finish, say } from "../world/gemini/script.ts";
import type { World } from "../world/world.ts";
import { createPeople, until, untilLive, type SignedIn } from "./people.ts";

const settleMsMax = 60_000;
const peopleCount = 3;
const timing = { replyMs: 400, resyncMs: 500, giveUpMs: settleMsMax };
const faults = { drop: 0.01, double: 0.02, delay: 0.03, reorder: 0.02, cut: 0.002, delayMsMax: 15 };

export interface Story {
  seed: string;
  messages: number;
  /** The least number of reconnects of all people together. */
  reconnects: number;
}

export type Shown = Pick<RoomSnapshot, "chat" | "participants" | "messages" | "pending">;

export interface Outcome {
  /** The results of all sends. */
  results: SendResult[];
  /** The results of all edits, deletions and reactions. */
  changes: ChangeResult[];
  /** The final state of each person's client, and the state of a client that loads the room at the end. */
  seen: Shown[];
  fresh: Shown;
  /** The texts that each person has sent, by name. */
  written: Map<string, string[]>;
  counts: FaultCounts;
  reconnects: number;
}

interface Cast {
  world: World;
  people: { client: SignedIn; room: Room }[];
  owner: SignedIn;
  chatId: number;
  random: Random;
}

export async function playStory(world: World, story: Story): Promise<Outcome> {
  const proxy = await startFaultProxy({ target: world.url, seed: story.seed });
  const everybody = createPeople(world);
  try {
    const clients: SignedIn[] = [];
    while (clients.length < peopleCount) {
      clients.push(await everybody.signedIn({ url: proxy.url, timing }));
    }
    const [owner, ...others] = clients;
    if (!owner) throw new Error("nobody is there");
    const chat = await owner.api.createChat({
      is_group: true,
      participant_usernames: others.map(({ name }) => name),
    });
    const people = clients.map((client) => ({ client, room: client.room(chat.id) }));
    await Promise.all(people.map(({ room }) => untilLive(room)));
    const countReconnects = watchReconnects(clients);

    proxy.play(faults);
    const random = createRandom(story.seed).fork("people");
    const cast = { world, people, owner, chatId: chat.id, random };
    const { written, sendings, changing } = await talk(cast, story, proxy.cut);
    const results = await Promise.all(sendings);
    const changes = await Promise.all(changing);
    proxy.play({});
    await untilQuiet(cast);
    const fresh = await everybody.signedIn({}, owner.person);
    const newRoom = fresh.room(chat.id);
    await untilLive(newRoom);
    return {
      results,
      changes,
      seen: await Promise.all(people.map(({ room }) => wholeRoom(room))),
      fresh: await wholeRoom(newRoom),
      written,
      counts: proxy.counts,
      reconnects: countReconnects(),
    };
  } finally {
    everybody.closeAll();
    await proxy.stop();
  }
}

function watchReconnects(clients: SignedIn[]): () => number {
  let count = 0;
  for (const { connection } of clients) {
    let before = connection.getSnapshot().state;
    connection.subscribe(() => {
      const { state } = connection.getSnapshot();
      if (before !== "offline" && state === "offline") count += 1;
      before = state;
    });
  }
  return () => count;
}

async function talk({ world, people, owner, chatId, random }: Cast, story: Story, cut: () => void) {
  const written = new Map(people.map(({ client }): [string, string[]] => [client.name, []]));
  const sendings: Promise<SendResult>[] = [];
  const changing: Promise<ChangeResult>[] = [];
  const cutEvery = Math.floor((story.messages * people.length) / story.reconnects);
  for (let count = 1; count <= story.messages; count += 1) {
    const { client, room } = random.pick(people);
    const asks = random.chance(0.02);
    if (asks) {
      const pieces = [say(`answer ${count}: `), say("one, "), say("two")];
      world.gemini.respondWith(answer(...pieces, finish()));
    }
    const content = `${asks ? "/bot " : ""}message ${count}`;
    written.get(client.name)?.push(content);
    sendings.push(room.send(content).settled);
    if (random.chance(0.005)) await owner.api.changeChat(chatId, { name: `named ${count}` });
    if (random.chance(0.2)) changing.push(...change(random, client, room));
    if (count % cutEvery > 0) continue;
    // Some messages have been sent by then, and some have not.
    await Promise.race(sendings.slice(-people.length));
    await Bun.sleep(random.int(1, 30));
    cut();
  }
  return { written, sendings, changing };
}

/** The content of a message that was edited goes on with this. */
const editMark = " (edited)";

/** Somebody edits or deletes one of their messages that they see, or reacts to anybody's. */
function change(random: Random, client: SignedIn, room: Room): Promise<ChangeResult>[] {
  const shown = room.getSnapshot().messages.filter(({ deleted_at }) => deleted_at === null);
  const own = shown.filter(({ user_id }) => user_id === client.person.id);
  const [anybodys, ownOne] = [shown, own].map(
    (messages) => messages.length > 0 && random.pick(messages),
  );
  if (ownOne && random.chance(0.4)) {
    if (random.chance(0.2)) return [room.delete(ownOne.id)];
    const [text] = ownOne.content.split(editMark);
    return [room.edit(ownOne.id, `${text}${editMark} ${random.int(1, 1_000)}`)];
  }
  if (!anybodys) return [];
  return [room.react(anybodys.id, random.pick(["👍", "🎉", "❤️"]), random.chance(0.8))];
}

/** Settles when all have everything, as the room's numbers say. */
async function untilQuiet({ world, owner, people, chatId }: Cast): Promise<void> {
  // The server is asked, since a client may not have seen the last answer begin.
  while ((await world.sql`select from answer_runs`).length > 0);
  const isOver = ({ messages }: RoomSnapshot) =>
    messages.every(({ status }) => status !== "streaming");
  const { last_seq } = await owner.api.getChat(chatId);
  for (const { room } of people) {
    await until(
      room,
      (now) => now.state === "live" && now.chat?.last_seq === last_seq && isOver(now),
    );
  }
}

async function wholeRoom(room: Room): Promise<Shown> {
  while (await room.loadOlder());
  const { chat, participants, messages, pending } = room.getSnapshot();
  return { chat, participants, messages, pending };
}

/** The first contents of a person's messages; undefined for those that were deleted. */
export function saidBy(messages: readonly Message[], name: string): (string | undefined)[] {
  return messages
    .filter(({ username }) => username === name)
    .map(({ content, deleted_at }) => (deleted_at ? undefined : content.split(editMark)[0]));
}
