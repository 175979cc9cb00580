// Somebody who shares no chat with a person is told the same as of an id that nobody has.
import { describe, expect, test } from "bun:test";
import { nowhere } from "../socket/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";
import { offline, online, shows, statusesOf, told, watch } from "./watching.ts";

const world = useWorld({ durations: { presencePollMs: 10, presenceHoldMs: 1 } });

/** Somebody who watches the person, and knows of each of their changes. */
async function witnessOf(person: Person) {
  const witness = await world.person("witness");
  await witness.chat({ with: [person] });
  const socket = await witness.socket();
  await watch(socket, person);
  return socket;
}

test("a stranger is told of nobody, whatever the person does, and as much as of an unknown id", async () => {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const witness = await witnessOf(ben);
  const first = await ben.socket();
  await told(witness, ben, "online");
  const reader = await ann.socket();
  expect(await watch(reader, ben, { id: nowhere })).toEqual([
    offline(ben),
    offline({ id: nowhere }),
  ]);
  await first.ask({ type: "presence", status: "away" });
  await told(witness, ben, "away");
  await first.close();
  await told(witness, ben, "offline");
  await reader.settle();
  expect(reader.ofType("presence")).toHaveLength(1);
  expect(await watch(reader, ben)).toEqual([offline(ben)]);
});

describe("two people who no longer share a chat", () => {
  type End = (ann: Person, ben: Person, chatId: number) => Promise<unknown>;
  test.each<[what: string, end: End]>([
    ["removed", (ann, ben, id) => ann.api("DELETE", `/api/chats/${id}/participants/${ben.id}`)],
    ["has left", (_, ben, id) => ben.api("POST", `/api/chats/${id}/leave`)],
    ["with a deleted chat", (ann, _, id) => ann.api("DELETE", `/api/chats/${id}`)],
  ])("are told offline without a time: %s", async (_, end) => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const [{ id }, alsoId] = [
      await ann.chat({ with: [ben] }),
      (await ann.chat({ with: [ben] })).id,
    ];
    const [anns, bens] = [await ann.socket(), await ben.socket()];
    const witness = await witnessOf(ben);
    await watch(anns, ben);
    await watch(bens, ann);
    await shows(anns, ben, "online");
    await shows(bens, ann, "online");
    await end(ann, ben, id);
    // They share another chat still.
    await bens.ask({ type: "presence", status: "away" });
    await told(anns, ben, "away");
    await end(ann, ben, alsoId);
    expect(await told(anns, ben, "offline")).toEqual(offline(ben));
    expect(await told(bens, ann, "offline")).toEqual(offline(ann));
    const before = anns.ofType("presence").length;
    await bens.ask({ type: "presence", status: "online" });
    await told(witness, ben, "online");
    await bens.close();
    const { last_seen_at } = await told(witness, ben, "offline");
    expect(last_seen_at).not.toBeNull();
    await anns.settle();
    expect(anns.ofType("presence")).toHaveLength(before);
    expect(await watch(anns, ben)).toEqual([offline(ben)]);
  });

  test("see each other again when one is invited, without another watch", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const [anns, bens] = [await ann.socket(), await ben.socket()];
    const { id } = await ann.chat();
    await watch(anns, ben);
    await watch(bens, ann);
    await ann.api("POST", `/api/chats/${id}/invite`, { username: ben.username });
    expect(await told(anns, ben, "online")).toEqual(online(ben));
    await told(bens, ann, "online");
    await ann.api("DELETE", `/api/chats/${id}/participants/${ben.id}`);
    await told(anns, ben, "offline");
    await ann.chat({ with: [ben] });
    await told(anns, ben, "online");
    expect(statusesOf(anns, ben)).toEqual(["offline", "online", "offline", "online"]);
  });
});

test("somebody who left a chat shared by many is told to nobody in it, and the others still are", async () => {
  const people = await Promise.all(["ann", "ben", "cat", "dan"].map((name) => world.person(name)));
  const [ann, ben, cat, dan] = people;
  if (!ann || !ben || !cat || !dan) throw new Error("somebody is missing");
  const { id } = await ann.chat({ with: [ben, cat, dan] });
  const sockets = await Promise.all(people.map((person) => person.socket()));
  for (const socket of sockets) await watch(socket, ...people);
  for (const socket of sockets) for (const person of people) await shows(socket, person, "online");
  await dan.api("POST", `/api/chats/${id}/leave`);
  const [first, second, third, last] = sockets;
  if (!first || !second || !third || !last) throw new Error("a socket is missing");
  for (const socket of [first, second, third]) await shows(socket, dan, "offline");
  for (const person of [ann, ben, cat]) await shows(last, person, "offline");
  expect(statusesOf(last, dan).at(-1)).toBe("online");
  await second.ask({ type: "presence", status: "away" });
  await shows(first, ben, "away");
  await shows(third, ben, "away");
  await last.settle();
  expect(statusesOf(last, ben)).not.toContain("away");
});
