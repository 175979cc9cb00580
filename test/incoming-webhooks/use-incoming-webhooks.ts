// A server whose chats have incoming webhooks, and what a program sends to their addresses.
import { beforeAll, expect } from "bun:test";
import { useWorld, type Answer, type Person } from "../world/world.ts";

/** To be called once, at the beginning of a file. */
export function useIncomingWebhooks() {
  // The recurring task is called by the tests.
  const world = useWorld({ durations: { purgeMs: 3_600_000 } });
  let ann: Person;
  let ben: Person;
  let chatId: number;
  beforeAll(async () => {
    ann = await world.person("ann");
    ben = await world.person("ben");
    chatId = (await ann.chat({ with: [ben] })).id;
  });

  const hooks = (chat: number) => `/api/chats/${chat}/hooks`;

  /** The path of a new address, which the server knows under the host of PUBLIC_URL. */
  async function newHook(owner: Person, chat: number, name = "Build results") {
    const { status, body } = await owner.api("POST", hooks(chat), { name });
    expect(status).toBe(200);
    return { ...body, path: new URL(body.url).pathname };
  }

  /** Posts a body as it is. */
  async function postRaw(
    path: string,
    body: string,
    headers: Record<string, string>,
    at = world,
  ): Promise<Answer> {
    const response = await fetch(new URL(path, at.url), { method: "POST", body, headers });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    postRaw(path, JSON.stringify(body), { "content-type": "application/json", ...headers });

  return {
    world,
    hooks,
    newHook,
    postRaw,
    post,
    /** The people of all tests, and a chat of theirs. */
    given: () => ({ ann, ben, chatId }),
  };
}
