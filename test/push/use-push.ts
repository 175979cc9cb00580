// A server whose people have browsers that ring, and the push service that receives what it sends.
import { afterAll, beforeAll, beforeEach, expect } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { startPushService } from "./push-service.ts";

export const quickly = { presenceHoldMs: 1, jobPollMs: 3_600_000, pushAnswerMs: 300 };
export const path = "/api/push/subscriptions";

/** To be called once, at the beginning of a file. */
export function usePush() {
  const world = useWorld({ env: { WEBHOOK_ALLOW: "127.0.0.1" }, durations: quickly });
  const service = startPushService();
  let ann: Person;
  let ben: Person;
  let key: string;
  let pages = 0;
  beforeAll(async () => {
    ann = await world.person("ann");
    ben = await world.person("ben");
    key = (await ann.api("GET", "/api/push/key")).body.public_key;
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    await rings();
    service.received.length = 0;
  });

  /** Subscribes another browser of a person, with a name of its own. */
  async function subscribed(person: Person, more: object = {}) {
    const subscription = service.subscribe(key, `page${(pages += 1)}`);
    const { status, body } = await person.api("POST", path, { ...subscription, ...more });
    expect(status).toBe(200);
    return body;
  }

  /** Jobs that are due in some seconds are done now. @returns the bodies of what the browsers have received since */
  async function rings(): Promise<string[]> {
    await world.sql`update jobs set due_at = now() where kind = 'push' and dead_at is null`;
    await world.jobs.idle();
    expect(service.faults).toEqual([]);
    return service.received.splice(0).map(({ payload }) => payload.body);
  }

  /** A person with a browser that rings, and a group and a private chat with ann. */
  async function scene() {
    const dan = await world.person("dan");
    const subscription = await subscribed(dan);
    const group = await ann.chat({ name: "Physics", with: [dan, ben] });
    const { body: direct } = await ann.api("POST", "/api/chats", {
      is_group: false,
      participant_usernames: [dan.username],
    });
    return { dan, subscription, group, direct };
  }

  return {
    world,
    service,
    subscribed,
    rings,
    scene,
    /** The people of all tests, and the key of the server. */
    given: () => ({ ann, ben, key }),
    /** How many browsers have subscribed. The last one is at the path with this number. */
    pages: () => pages,
  };
}
