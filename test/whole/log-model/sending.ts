// Sends messages, and repeats earlier ones with their client_id.
import { codeOf, Mismatch, type Act, type Outcome, type Told } from "./acts.ts";
import type { Client, PlayedRoom, Sent } from "./room.ts";

/** @returns the new message, if it was acknowledged */
export async function playSend(
  room: PlayedRoom,
  client: Client,
  act: Extract<Act, { kind: "send" }>,
): Promise<Told[] | undefined> {
  const { text: content, number } = room.nextText("message");
  const replyTo = number % 4 === 0 ? room.anchorId : undefined;
  const message = { clientId: `client ${number}`, content, replyTo };
  const tries = act.twice ? [act.overHttp, !act.overHttp] : [act.overHttp];
  const outcomes = await Promise.all(
    tries.map((overHttp) => send(room, client, message, overHttp)),
  );
  const [first = {}] = outcomes;
  if (outcomes.some((outcome) => outcome.seq !== first.seq) && !room.comesAndGoes(client)) {
    throw new Mismatch("two tries of one message were acknowledged as two");
  }
  const acked = outcomes.find((outcome) => outcome.seq !== undefined);
  if (!acked) return room.expectRefusal(client, first, "not_found");
  const { messageId = 0, seq = 0 } = acked;
  client.sent.push({ ...message, messageId, seq });
  return [{ kind: "message", messageId, number: seq, content, userId: client.person.id }];
}

export async function playRetry(
  room: PlayedRoom,
  client: Client,
  act: Extract<Act, { kind: "retry" }>,
): Promise<undefined> {
  const sent = client.sent[act.nth % (client.sent.length || 1)];
  if (!sent) return;
  const content = act.changed ? `${sent.content}, changed` : sent.content;
  const wasDeleted = room.model.contentOf(sent.messageId) === "";
  const outcome = await send(room, client, { ...sent, content }, act.overHttp);
  if (outcome.code === "not_found") return room.expectRefusal(client, outcome, "not_found");
  // No text of a deleted message is left to compare with.
  const mayDiffer = wasDeleted || (await room.isDeleted(sent.messageId));
  if (act.changed && !(mayDiffer && outcome.code === undefined)) {
    if (wasDeleted) throw new Mismatch(`a retry of deleted ${sent.seq} was refused`);
    return room.expectRefusal(client, outcome, "client_id_reused");
  }
  if (outcome.seq !== sent.seq || outcome.messageId !== sent.messageId) {
    throw new Mismatch(`a retry of ${sent.seq} was answered with ${JSON.stringify(outcome)}`);
  }
}

async function send(
  { chatId, path }: PlayedRoom,
  { person, socket }: Client,
  { clientId, content, replyTo }: Sent,
  overHttp: boolean,
): Promise<Outcome> {
  const message = { content, client_id: clientId, reply_to: replyTo };
  if (overHttp) {
    const { status, body } = await person.api("POST", `${path}/messages`, message);
    return status === 200 ? { messageId: body.id, seq: body.seq } : { code: codeOf(body) };
  }
  const reply = await socket.ask({ type: "message", chat_id: chatId, ...message });
  if (reply.type !== "ack") return { code: String(reply.code) };
  return { messageId: Number(reply.message_id), seq: Number(reply.seq) };
}
