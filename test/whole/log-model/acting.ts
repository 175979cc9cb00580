// Plays one act in a room, and holds its outcome against the model.
import type { Frame } from "../../world/socket.ts";
import {
  expectRefusal,
  isMoving,
  Mismatch,
  type Act,
  type Client,
  type Room,
  type Told,
} from "./acts.ts";
import * as requests from "./requests.ts";

type ActOf<K extends Act["kind"]> = Extract<Act, { kind: K }>;

/** @returns what was acknowledged */
export async function playAct(room: Room, act: Act): Promise<Told[] | undefined> {
  if ("guest" in act) return void (await playChange(room, act));
  const client = room.clients[act.by];
  if (!client) return undefined;
  switch (act.kind) {
    case "send":
      return await send(room, client, act);
    case "retry":
      return await retry(room, client, act);
    case "edit":
    case "delete":
      return await change(room, client, act);
    case "react":
      return await react(room, client, act);
    case "join":
    case "leave":
      return await ask(room, client, act);
    case "reconnect":
      return await reconnect(room, client);
  }
}

function nextText(room: Room, beginning: string): string {
  const { owner, guests } = room.cast;
  room.made += 1;
  const endings = [
    "",
    "",
    ` @${guests[0].username}`,
    "",
    " @all",
    ` @${guests[1].username} @${owner.username}`,
  ];
  return `${beginning} ${room.made}${endings[room.made % endings.length]}`;
}

async function send(room: Room, client: Client, act: ActOf<"send">): Promise<Told[] | undefined> {
  const content = nextText(room, "message");
  const replyTo = room.made % 4 === 0 ? room.anchorId : undefined;
  const message = { clientId: `client ${room.made}`, content, replyTo };
  const tries = act.twice ? [act.overHttp, !act.overHttp] : [act.overHttp];
  const outcomes = await Promise.all(
    tries.map((overHttp) => requests.send(client, room.chatId, message, overHttp)),
  );
  const [first = {}] = outcomes;
  if (outcomes.some((outcome) => outcome.seq !== first.seq) && !isMoving(room, client)) {
    throw new Mismatch("two tries of one message were acknowledged as two");
  }
  const acked = outcomes.find((outcome) => outcome.seq !== undefined);
  if (!acked) return expectRefusal(room, client, first, "not_found");
  const { messageId = 0, seq = 0 } = acked;
  client.sent.push({ ...message, messageId, seq });
  return [{ kind: "message", messageId, number: seq, content, userId: client.person.id }];
}

async function retry(room: Room, client: Client, act: ActOf<"retry">): Promise<undefined> {
  const sent = client.sent[act.nth % (client.sent.length || 1)];
  if (!sent) return;
  const content = act.changed ? `${sent.content}, changed` : sent.content;
  const wasDeleted = room.model.contentOf(sent.messageId) === "";
  const outcome = await requests.send(client, room.chatId, { ...sent, content }, act.overHttp);
  if (outcome.code === "not_found") return expectRefusal(room, client, outcome, "not_found");
  // No text of a deleted message is left to compare with.
  const mayDiffer = wasDeleted || (await isDeleted(room, sent.messageId));
  if (act.changed && !(mayDiffer && outcome.code === undefined)) {
    if (wasDeleted) throw new Mismatch(`a retry of deleted ${sent.seq} was refused`);
    return expectRefusal(room, client, outcome, "client_id_reused");
  }
  if (outcome.seq !== sent.seq || outcome.messageId !== sent.messageId) {
    throw new Mismatch(`a retry of ${sent.seq} was answered with ${JSON.stringify(outcome)}`);
  }
}

async function react(room: Room, client: Client, act: ActOf<"react">): Promise<undefined> {
  const { messageId } = room.said[act.nth % (room.said.length || 1)] ?? {};
  if (messageId === undefined) return;
  const outcome = await requests.react(client, room.chatId, act, messageId);
  if (outcome.code === "message_deleted" && (await isDeleted(room, messageId))) return;
  if (outcome.code !== undefined) return expectRefusal(room, client, outcome, "not_found");
  room.reacted.push({ messageId, userId: client.person.id, emoji: act.emoji, on: act.on });
}

async function isDeleted({ cast, chatId }: Room, messageId: number): Promise<boolean> {
  const { body } = await cast.owner.api("GET", `/api/chats/${chatId}/messages/${messageId}`);
  return body.deleted_at !== null;
}

/** Edits or deletes a message of anybody. */
async function change(
  room: Room,
  client: Client,
  act: ActOf<"edit" | "delete">,
): Promise<Told[] | undefined> {
  const { model, said, chatId } = room;
  const { owner } = room.cast;
  const target = said[act.nth % (said.length || 1)];
  if (!target) return undefined;
  const { messageId, userId: authorId } = target;
  const before = model.contentOf(messageId) ?? "";
  const isAuthor = client.person.id === authorId;
  const isEdit = act.kind === "edit";
  let content = "";
  if (isEdit) content = act.content === "same" && before !== "" ? before : nextText(room, "edit");
  const guard = isEdit && act.guarded ? { if_seq: model.lastChangeOf(messageId) } : {};
  const body = isEdit ? { content, ...guard } : undefined;
  const { code, updatedSeq } = await requests.change(client, chatId, act, messageId, body);
  switch (code) {
    case undefined:
      if (!isAuthor && (isEdit || client.person !== owner)) {
        throw new Mismatch(`${client.person.username} could ${act.kind} another's message`);
      }
      if (isEdit && before === "") throw new Mismatch("a deleted message was edited");
      if (updatedSeq === undefined) throw new Mismatch(`${act.kind} without a number`);
      return [
        {
          kind: "message_updated",
          messageId,
          number: updatedSeq,
          content,
          userId: client.person.id,
        },
      ];
    case "forbidden":
      if (isAuthor || (!isEdit && client.person === owner)) {
        throw new Mismatch(`the ${isAuthor ? "author" : "owner"} was refused to ${act.kind}`);
      }
      return undefined;
    case "not_found":
      if (isMoving(room, client)) return undefined;
      throw new Mismatch(`nothing to ${act.kind}`);
    case "message_deleted":
      if (isEdit && (await isDeleted(room, messageId))) return undefined;
      throw new Mismatch(`${act.kind} was refused for a message that is there`);
    case "changed_meanwhile": {
      const path = `/api/chats/${chatId}/messages/${messageId}`;
      const { body: now } = await owner.api("GET", path);
      if (act.kind === "edit" && act.guarded && now.updated_seq !== guard.if_seq) return undefined;
    }
  }
  throw new Mismatch(`${act.kind} was answered with ${code}`);
}

async function ask(room: Room, client: Client, act: ActOf<"join" | "leave">): Promise<undefined> {
  const { socket } = client;
  const sentAt = socket.frames.length;
  const { lastSeq } = room.model;
  const afterSeq =
    act.kind === "join" && act.back !== undefined
      ? Math.max(0, learn(client) - act.back)
      : undefined;
  const request = { type: act.kind, chat_id: room.chatId, after_seq: afterSeq };
  const reply = await socket.ask(request);
  const answeredAt = socket.frames.findIndex(
    (frame: Frame) => frame.request_id === reply.request_id,
  );
  const refused = reply.type === "error";
  if (refused) expectRefusal(room, client, { code: String(reply.code) }, "not_found");
  client.asked.push({
    type: act.kind,
    sentAt,
    answeredAt,
    afterSeq,
    refused,
    lastSeq: refused ? 0 : lastSeq,
  });
}

/** Breaks the connection, and opens another socket. */
async function reconnect(room: Room, client: Client): Promise<undefined> {
  client.socket.ws.terminate();
  verifyHearing(room, client, false);
  learn(client);
  client.socket = await client.person.socket();
  client.asked = [];
}

/** @throws Mismatch when a socket did not hear what it should have */
export function verifyHearing({ model }: Room, client: Client, isOpen: boolean): void {
  const { person, asked } = client;
  const { frames } = client.socket;
  const fault = model.faultOfHearing({ userId: person.id, frames, asked }, isOpen);
  if (fault) throw new Mismatch(`${person.username}: ${fault}`);
}

/** Only what came since the last join counts: a client that joined without a replay knows nothing of before. */
function learn(client: Client): number {
  const from = client.asked.findLast(({ type, refused }) => type === "join" && !refused);
  if (!from) return client.has;
  for (const frame of client.socket.frames.slice(from.answeredAt)) {
    const number = frame.type === "joined" ? frame.last_seq : frame.updated_seq;
    if (typeof number === "number") client.has = Math.max(client.has, number);
  }
  return client.has;
}

async function playChange({ cast, chatId }: Room, act: Extract<Act, { guest: 0 | 1 }>) {
  const { owner, guests } = cast;
  const guest = guests[act.guest];
  const path = `/api/chats/${chatId}`;
  if (act.kind === "invite") {
    await owner.api("POST", `${path}/invite`, { username: guest.username });
  } else if (act.byThemselves) await guest.api("POST", `${path}/leave`);
  else await owner.api("DELETE", `${path}/participants/${guest.id}`);
}
