// Joins and leaves the room with a socket, reconnects it, and compares its frames with the model.
import type { Frame } from "../../world/socket.ts";
import { Mismatch, type Act } from "./acts.ts";
import type { Client, PlayedRoom } from "./room.ts";

export async function playJoinOrLeave(
  room: PlayedRoom,
  client: Client,
  act: Extract<Act, { kind: "join" | "leave" }>,
): Promise<undefined> {
  const { socket } = client;
  const sentAt = socket.frames.length;
  const { lastSeq } = room.model;
  const afterSeq =
    act.kind === "join" && act.back !== undefined
      ? Math.max(0, learn(client) - act.back)
      : undefined;
  const reply = await socket.ask({ type: act.kind, chat_id: room.chatId, after_seq: afterSeq });
  const answeredAt = socket.frames.findIndex(
    (frame: Frame) => frame.request_id === reply.request_id,
  );
  const refused = reply.type === "error";
  if (refused) room.expectRefusal(client, { code: String(reply.code) }, "not_found");
  client.asked.push({
    type: act.kind,
    sentAt,
    answeredAt,
    afterSeq,
    refused,
    lastSeq: refused ? 0 : lastSeq,
  });
}

/** Cuts the connection, and opens another one that has not joined. */
export async function reconnect(room: PlayedRoom, client: Client): Promise<undefined> {
  client.socket.ws.terminate();
  verifyFrames(room, client, false);
  learn(client);
  client.socket = await client.person.socket();
  client.asked = [];
}

/** @throws Mismatch unless the socket's frames are those of the log. @param isOpen it has received everything sent to it */
export function verifyFrames({ model }: PlayedRoom, client: Client, isOpen: boolean): void {
  const { socket, person, asked } = client;
  const { frames } = socket;
  const fault = model.faultOfHearing({ userId: person.id, frames, asked }, isOpen);
  if (fault) throw new Mismatch(`${person.username}: ${fault}`);
}

/** Only frames since the last join count: a client that joined without a replay knows nothing of before. */
function learn(client: Client): number {
  const from = client.asked.findLast(({ type, refused }) => type === "join" && !refused);
  if (!from) return client.has;
  for (const frame of client.socket.frames.slice(from.answeredAt)) {
    const number = frame.type === "joined" ? frame.last_seq : frame.updated_seq;
    if (typeof number === "number") client.has = Math.max(client.has, number);
  }
  return client.has;
}
