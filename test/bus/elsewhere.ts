// Requests and sockets to another server than a world's own.
import type { Ctx } from "../../src/context.ts";
import { TestSocket } from "../world/socket.ts";
import type { Person } from "../world/world.ts";

/** Settles when these servers receive each other's messages. */
export async function untilShared(...servers: Ctx[]): Promise<void> {
  while (servers.some(({ peers }) => peers.bus !== "up")) await Bun.sleep(10);
}

export async function elsewhere(
  { url }: { url: string },
  person: Person,
  method: string,
  path: string,
  body?: object,
) {
  const response = await fetch(url + path, {
    method,
    headers: { "content-type": "application/json", authorization: `Bearer ${person.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

export async function socketElsewhere(
  { url }: { url: string },
  person: Person,
): Promise<TestSocket> {
  const address = `${url.replace("http", "ws")}/ws?token=${person.token}&frames=flat`;
  const socket = new TestSocket(address);
  await socket.opened;
  await socket.settle();
  return socket;
}

export async function joinedElsewhere(
  server: { url: string },
  person: Person,
  chatId: number,
  afterSeq?: number,
): Promise<TestSocket> {
  const socket = await socketElsewhere(server, person);
  socket.send({ type: "join", chat_id: chatId, after_seq: afterSeq });
  await socket.next("joined", { chat_id: chatId });
  return socket;
}
