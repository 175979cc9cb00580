// People who do not want to be seen: others are shown them as offline.
import { expect, test } from "bun:test";
import { expectInvalid } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";
import { offline, shows, statusesOf, told, watch } from "./watching.ts";

const world = useWorld({ durations: { presencePollMs: 10, presenceHoldMs: 1 } });

const set = (person: Person, presence: unknown) =>
  person.api("PATCH", "/api/auth/me", { presence });

/** Ann watches Ben, and so does a socket of his own. */
async function pair() {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  await ann.chat({ with: [ben] });
  const [anns, bens] = [await ann.socket(), await ben.socket()];
  await watch(anns, ben);
  await shows(anns, ben, "online");
  return { ann, ben, anns, bens };
}

test("somebody who becomes invisible seems to go offline at that moment, and whatever they do afterwards is not seen", async () => {
  const { ann, ben, anns, bens } = await pair();
  const { body } = await set(ben, "invisible");
  expect(body.presence).toBe("invisible");
  const gone = await told(anns, ben, "offline");
  expect(gone.last_seen_at).toBeString();
  const before = anns.ofType("presence").length;
  await bens.ask({ type: "presence", status: "away" });
  await bens.ask({ type: "presence", status: "online" });
  const another = await ben.socket();
  await Promise.all([another.close(), bens.close()]);
  // A statement after those of the two sockets has been written by then.
  const cat = await world.person("cat");
  await ann.chat({ with: [cat] });
  while (world.presence.people.size > 1) await anns.settle();
  expect(await watch(anns, ben, cat)).toEqual([gone, offline(cat)]);
  await cat.socket();
  await told(anns, cat, "online");
  expect(anns.ofType("presence")).toHaveLength(before + 2);
});

test("somebody who becomes visible again is seen at once, and later as last seen when they really went", async () => {
  const { ben, anns, bens } = await pair();
  await set(ben, "invisible");
  const hidden = await told(anns, ben, "offline");
  await set(ben, "visible");
  await told(anns, ben, "online");
  await bens.close();
  const gone = await told(anns, ben, "offline");
  expect(String(gone.last_seen_at) > String(hidden.last_seen_at)).toBe(true);
  expect(statusesOf(anns, ben).slice(-4)).toEqual(["online", "offline", "online", "offline"]);
});

test("somebody who comes back invisible stays offline, last seen when they had gone before", async () => {
  const { ben, anns, bens } = await pair();
  await bens.close();
  const gone = await told(anns, ben, "offline");
  await set(ben, "invisible");
  const socket = await ben.socket();
  expect(await watch(anns, ben)).toEqual([gone]);
  await set(ben, "invisible");
  expect(await watch(anns, ben)).toEqual([gone]);
  await socket.close();
  expect(await watch(anns, ben)).toEqual([gone]);
});

test("an invisible person sees others", async () => {
  const { ann, ben, anns, bens } = await pair();
  await set(ben, "invisible");
  await watch(bens, ann);
  await shows(bens, ann, "online");
  await anns.ask({ type: "presence", status: "away" });
  await told(bens, ann, "away");
});

test("only the two words are taken, a change of another setting leaves it, and the answer shows it", async () => {
  const ann = await world.person("ann");
  for (const value of [null, true, "online", "Invisible", "", []]) {
    expectInvalid(await set(ann, value), "/presence");
  }
  expect((await set(ann, "invisible")).status).toBe(200);
  const { body } = await ann.api("PATCH", "/api/auth/me", { read_receipts: false });
  expect(body).toMatchObject({ read_receipts: false, presence: "invisible" });
  expect((await ann.api("GET", "/api/auth/me")).body).toEqual(body);
});
