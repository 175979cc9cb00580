// The names of people and the blocks of a person, as the client's entry for people knows them.
import { afterEach, beforeAll, expect, test } from "bun:test";
import { createDetails } from "gemini-coop/client/details";
import { createPeople as createKnownPeople } from "gemini-coop/client/people";
import { useWorld } from "../world/world.ts";
import { createPeople, until, untilLive, type People, type SignedIn } from "./people.ts";

const world = useWorld({ durations: { peoplePollMs: 20 } });
let people: People;
beforeAll(() => {
  people = createPeople(world);
});
afterEach(() => people.closeAll());

async function inOneChat() {
  const [ann, ben] = await people.pair();
  const chat = await ann.api.createChat({ is_group: true, participant_usernames: [ben.name] });
  const room = ann.room(chat.id);
  await untilLive(room);
  return { ann, ben, chat, known: createKnownPeople(ann) };
}

const rename = (client: SignedIn, display_name: string | null) =>
  createDetails(client).changeMe({ display_name });

test("a new name is known from its frame, and a list of participants that is older does not replace it", async () => {
  const { ann, ben, chat, known } = await inOneChat();
  const before = await ann.api.listParticipants(chat.id);
  known.note(before);
  expect(known.getSnapshot().people.get(ben.person.id)?.display_name).toBeNull();
  await rename(ben, "Ben B.");
  await until(known, (now) => now.people.get(ben.person.id)?.display_name === "Ben B.");
  known.note(before);
  expect(known.getSnapshot().people.get(ben.person.id)?.display_name).toBe("Ben B.");
});

test("changes that were missed while there was no connection are read again, of loaded people and of followed chats", async () => {
  const { ann, ben, chat, known } = await inOneChat();
  const cat = await people.signedIn();
  await known.load([cat.person.id, 1_000_000]);
  known.note(await ann.api.listParticipants(chat.id));
  const end = known.follow(chat.id);
  ann.disconnect();
  await rename(ben, "Ben B.");
  await rename(cat, "Cat C.");
  ann.connect();
  for (const [client, name] of [
    [ben, "Ben B."],
    [cat, "Cat C."],
  ] as const) {
    await until(known, (now) => now.people.get(client.person.id)?.display_name === name);
  }
  end();
});

test("blocks are known at once, in the person's other clients, and after a reconnect", async () => {
  const { ann, ben, known } = await inOneChat();
  const second = await people.signedIn({}, ann.person);
  const there = createKnownPeople(second);
  const ids = [ben.person.id];
  await known.block(ben.person.id);
  expect([...known.getSnapshot().blockedIds]).toEqual(ids);
  await until(there, ({ blockedIds }) => blockedIds.has(ben.person.id));
  expect((await known.listBlocked()).items.map(({ user }) => user.id)).toEqual(ids);

  second.disconnect();
  await known.unblock(ben.person.id);
  expect(known.getSnapshot().blockedIds.size).toBe(0);
  second.connect();
  await until(there, ({ blockedIds }) => blockedIds.size === 0);
  expect(known.block(ann.person.id)).rejects.toMatchObject({ code: "invalid" });
  expect(known.get(1_000_000)).rejects.toMatchObject({ code: "not_found" });
});

test("a search encodes its text, and another person's names and blocks are forgotten", async () => {
  const { ann, ben, known } = await inOneChat();
  await rename(ben, `Ben & ${ben.name} ?`);
  const found = await known.search(`Ben & ${ben.name}`);
  expect(found.map(({ id }) => id)).toEqual([ben.person.id]);
  await known.get(ben.person.id);
  await known.block(ben.person.id);
  await ann.session.logout();
  const { people: names, blockedIds } = await until(known, (now) => now.people.size === 0);
  expect([names.size, blockedIds.size]).toEqual([0, 0]);
  known.close();
});
