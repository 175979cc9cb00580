// The presence of people as a client shows it, while frames are lost.
import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { startFaultProxy, type Direction, type FaultProxy } from "gemini-coop/client/faults";
import { createPresence } from "gemini-coop/client/presence";
import { useWorld } from "../world/world.ts";
import { createPeople, until, type People } from "./people.ts";

const world = useWorld();
let people: People;
let proxy: FaultProxy;
beforeAll(async () => {
  people = createPeople(world);
});
beforeEach(async () => {
  proxy = await startFaultProxy({ target: world.url });
});
afterEach(async () => {
  people.closeAll();
  await proxy.stop();
});

/** Loses the first messages of a kind, and counts all of them. @param onAway is called when the person has said to be away */
function lose(direction: Direction, type: string, times: number, onAway = () => {}) {
  const counted = { messages: 0 };
  proxy.play({
    drop: 1,
    concerns(text, way) {
      if (text.includes('"status":"away"')) onAway();
      if (way !== direction || !text.includes(`"type":"${type}"`)) return false;
      counted.messages += 1;
      return counted.messages <= times;
    },
  });
  return counted;
}

/** A person whose line loses frames, and a friend who is online. */
async function watcherAndFriend() {
  const watcher = await people.signedIn({ url: proxy.url });
  const friend = await people.signedIn();
  await watcher.api.createChat({ is_group: true, participant_usernames: [friend.name] });
  await until(watcher.connection, ({ state }) => state === "live");
  await until(friend.connection, ({ state }) => state === "live");
  return { watcher, ids: [watcher.person.id, friend.person.id] };
}

const lossy = [
  { title: "a watch that does not arrive", direction: "up", type: "watch_presence" },
  { title: "a watch whose first statuses do not arrive", direction: "down", type: "presence" },
] as const;

for (const { title, direction, type } of lossy) {
  test(`${title} is repeated until everybody is shown`, async () => {
    const { watcher, ids } = await watcherAndFriend();
    const presence = createPresence(watcher, { retryMs: 20 });
    const lost = lose(direction, type, 2);
    presence.watch(ids);
    const shown = await until(presence, (now) => now.people.size === ids.length);
    expect(lost.messages).toBeGreaterThan(2);
    expect(ids.map((id) => shown.people.get(id)?.status)).toEqual(["online", "online"]);
    presence.close();
  });
}

test("a watch that is refused each time is not repeated for ever", async () => {
  const { watcher } = await watcherAndFriend();
  const presence = createPresence(watcher, { retryMs: 0 });
  const refused = Promise.withResolvers<void>();
  let refusals = 0;
  watcher.onFrame((frame) => {
    if (frame.type === "error" && (refusals += 1) === 11) refused.resolve();
  });
  const last = Promise.withResolvers<void>();
  const sent = lose("up", "watch_presence", 0, () => last.resolve());
  // There are more people than may be watched.
  presence.watch(Array.from({ length: 501 }, (_, n) => n + 1));
  await refused.promise;
  // A twelfth one would be sent long before the reply to this.
  await watcher.api.listChats();
  presence.setStatus("away");
  await last.promise;
  expect(sent.messages).toBe(11);
  presence.close();
});
