// Reacts to messages, and takes reactions back.
import { codeOf, type Act, type Outcome } from "./acts.ts";
import type { Client, PlayedRoom } from "./room.ts";

type ReactAct = Extract<Act, { kind: "react" }>;

export async function playReaction(
  room: PlayedRoom,
  client: Client,
  act: ReactAct,
): Promise<undefined> {
  const { messageId } = room.messageAt(act.nth) ?? {};
  if (messageId === undefined) return;
  const { code } = await react(room, client, messageId, act);
  if (code === "message_deleted" && (await room.isDeleted(messageId))) return;
  if (code !== undefined) return room.expectRefusal(client, { code }, "not_found");
  room.reacted.push({ messageId, userId: client.person.id, emoji: act.emoji, on: act.on });
}

async function react(
  { chatId, path }: PlayedRoom,
  { person, socket }: Client,
  messageId: number,
  { emoji, on, overHttp }: ReactAct,
): Promise<Outcome> {
  if (overHttp) {
    const reactionPath = `${path}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`;
    const { status, body } = await person.api(on ? "PUT" : "DELETE", reactionPath);
    return status === 200 ? {} : { code: codeOf(body) };
  }
  const ids = { chat_id: chatId, message_id: messageId };
  const reply = await socket.ask({ type: "react", ...ids, emoji, on });
  return reply.type === "ack" ? {} : { code: String(reply.code) };
}
