// Plays steps in a room of its own, each a few things that happen at the same time, and holds what came of them
// against the model.
import { z } from "zod";
import { many, type Sql } from "../../../src/database/connect.ts";
import type { Frame, TestSocket } from "../../world/socket.ts";
import type { Person } from "../../world/world.ts";
import { createModel, type Asked } from "./model.ts";

export type Act =
  | { kind: "send"; by: number; overHttp: boolean; twice: boolean }
  | { kind: "retry"; by: number; nth: number; changed: boolean; overHttp: boolean }
  | { kind: "react"; by: number; nth: number; emoji: string; on: boolean; overHttp: boolean }
  | { kind: "join"; by: number; back: number | undefined }
  | { kind: "leave"; by: number }
  | { kind: "reconnect"; by: number }
  | { kind: "remove" | "invite"; guest: 0 | 1; byThemselves: boolean };

interface Client {
  person: Person;
  socket: TestSocket;
  asked: Asked[];
  sent: { clientId: string; content: string; messageId: number; seq: number }[];
  /** The number up to which it has everything. */
  has: number;
}

interface Outcome {
  code?: string | undefined;
  messageId?: number;
  seq?: number;
}

export interface Cast {
  owner: Person;
  guests: [Person, Person];
  /** Reads the reactions that were stored: a client is not told the number of its own. */
  sql: Sql;
}

/** A reaction that somebody has asked for. */
interface Asking {
  messageId: number;
  userId: number;
  emoji: string;
  on: boolean;
}

const StoredReaction = z
  .object({
    seq: z.int(),
    kind: z.enum(["reaction_added", "reaction_removed"]),
    message_id: z.int(),
    user_id: z.int(),
    emoji: z.string(),
    emoji_count: z.int(),
  })
  .transform(({ seq, kind, message_id, user_id, emoji, emoji_count }) => ({
    seq,
    kind: "reaction" as const,
    messageId: message_id,
    userId: user_id,
    emoji,
    on: kind === "reaction_added",
    count: emoji_count,
  }));

class Mismatch extends Error {}

/** @throws Mismatch that says where the server and the model part */
export async function play({ owner, guests, sql }: Cast, steps: Act[][]): Promise<void> {
  const chat = await owner.chat({ with: guests });
  const model = createModel();
  const members = new Set([owner.id, ...guests.map((guest) => guest.id)]);
  // The owner at two screens.
  const clients: Client[] = [];
  for (const person of [owner, owner, ...guests]) {
    clients.push({ person, socket: await person.socket(), asked: [], sent: [], has: 0 });
  }
  let made = 0;
  const messageIds: number[] = [];
  /** The reactions of the step that were acknowledged. */
  let reacted: Asking[] = [];

  for (const step of steps) await playStep(step);
  await Promise.all(clients.map((client) => client.socket.settle()));
  for (const client of clients) {
    verify(client, true);
    await client.socket.close();
  }
  await verifyHistory();

  function verify({ socket, person, asked }: Client, isOpen: boolean) {
    const { frames } = socket;
    const fault = model.faultOfHearing({ userId: person.id, frames, asked }, isOpen);
    if (fault) throw new Mismatch(`${person.username}: ${fault}`);
  }

  async function verifyHistory() {
    const { body } = await owner.api("GET", `/api/chats/${chat.id}/messages?limit=200`);
    for (const { id, reactions } of body) {
      if (Bun.deepEquals(reactions, model.reactionsAt(id, model.lastSeq))) continue;
      throw new Mismatch(`message ${id} is stored with other reactions`);
    }
  }

  async function storedReactions() {
    const rows = await sql`
      select seq, kind, message_id, user_id, emoji, emoji_count from chat_changes
      where chat_id = ${chat.id} and seq > ${model.lastSeq} and kind in ('reaction_added', 'reaction_removed')
    `;
    return new Map(many(rows, StoredReaction).map(({ seq, ...entry }) => [seq, entry]));
  }

  /** Each stored reaction was asked for, and what was asked for once is so. */
  function verifyReactions(stored: Asking[]) {
    const isSame = (one: Asking) => (other: Asking) =>
      one.messageId === other.messageId && one.userId === other.userId && one.emoji === other.emoji;
    for (const one of stored) {
      const all = reacted.filter(isSame(one)).filter(({ on }) => on === one.on);
      if (stored.filter(isSame(one)).filter(({ on }) => on === one.on).length > all.length) {
        throw new Mismatch(`nobody asked for ${JSON.stringify(one)}`);
      }
    }
    for (const one of reacted) {
      if (reacted.filter(isSame(one)).length > 1) continue;
      const shown = model.reactionsAt(one.messageId, model.lastSeq);
      const { user_ids = [] } = shown.find(({ emoji }) => emoji === one.emoji) ?? {};
      if (user_ids.includes(one.userId) !== one.on) {
        throw new Mismatch(`${JSON.stringify(one)} was acknowledged and is not so`);
      }
    }
  }

  async function playStep(step: Act[]) {
    reacted = [];
    const before = new Set(members);
    const changes = step.filter((act) => "guest" in act);
    const sends = await Promise.all(step.map((act) => playAct(act)));
    const news = sends.flatMap((messages) => messages ?? []);
    const byNumber = new Map(news.map((message) => [message.seq, message]));

    const now = await owner.api("GET", `/api/chats/${chat.id}`);
    const upTo = Number(now.body.last_seq);
    const reactions = await storedReactions();
    for (let number = model.lastSeq + 1; number <= upTo; number += 1) {
      const message = byNumber.get(number);
      if (message) {
        model.add({ kind: "message", messageId: message.messageId, content: message.content });
        expectMember(message.userId, members, number);
        messageIds.push(message.messageId);
        continue;
      }
      const reaction = reactions.get(number);
      if (reaction) {
        const fault = model.faultOfReaction(reaction);
        if (fault) throw new Mismatch(fault);
        model.add(reaction);
        expectMember(reaction.userId, members, number);
        continue;
      }
      const change = changes.pop();
      if (change === undefined || !("guest" in change)) {
        throw new Mismatch(`nobody took number ${number}`);
      }
      const guest = guests[change.guest];
      const isRemoval = change.kind === "remove";
      model.add({
        kind: isRemoval ? "participant_removed" : "participant_added",
        userId: guest.id,
      });
      if (members.has(guest.id) !== isRemoval) throw new Mismatch(`${change.kind} for nothing`);
      if (isRemoval) members.delete(guest.id);
      else members.add(guest.id);
    }
    verifyReactions([...reactions.values()]);
    for (const { seq } of news) {
      if (seq > upTo) throw new Mismatch(`acknowledged as ${seq}, the log ends at ${upTo}`);
    }
    for (const change of changes) {
      const wasIn = "guest" in change && before.has(guests[change.guest].id);
      if (wasIn === (change.kind === "remove")) throw new Mismatch(`${change.kind} did nothing`);
    }
  }

  function expectMember(userId: number, people: Set<number>, number: number) {
    if (!people.has(userId)) throw new Mismatch(`a stranger wrote ${number}`);
  }

  /** @returns the new messages, as they were acknowledged */
  async function playAct(act: Act) {
    if ("guest" in act) return void (await playChange(act));
    const client = clients[act.by];
    if (!client) return undefined;
    switch (act.kind) {
      case "send": {
        const content = `message ${(made += 1)}`;
        const message = { clientId: `client ${made}`, content };
        const tries = act.twice ? [act.overHttp, !act.overHttp] : [act.overHttp];
        const outcomes = await Promise.all(
          tries.map((overHttp) => send(client, message, overHttp)),
        );
        const [first = {}] = outcomes;
        if (outcomes.some((outcome) => outcome.seq !== first.seq) && !isMoving(client)) {
          throw new Mismatch("two tries of one message were acknowledged as two");
        }
        const acked = outcomes.find((outcome) => outcome.seq !== undefined);
        if (!acked) return expectRefusal(client, first, "not_found");
        const { messageId = 0, seq = 0 } = acked;
        client.sent.push({ ...message, messageId, seq });
        return [{ ...message, messageId, seq, userId: client.person.id }];
      }
      case "retry": {
        const sent = client.sent[act.nth % (client.sent.length || 1)];
        if (!sent) return undefined;
        const content = act.changed ? `${sent.content}, changed` : sent.content;
        const outcome = await send(client, { ...sent, content }, act.overHttp);
        if (outcome.code === "not_found") return expectRefusal(client, outcome, "not_found");
        if (act.changed) return expectRefusal(client, outcome, "client_id_reused");
        if (outcome.seq !== sent.seq || outcome.messageId !== sent.messageId) {
          throw new Mismatch(`a retry of ${sent.seq} was answered with ${JSON.stringify(outcome)}`);
        }
        return undefined;
      }
      case "react":
        return await playReaction(client, act);
      case "join":
      case "leave":
        return await ask(client, act);
      case "reconnect":
        client.socket.ws.terminate();
        verify(client, false);
        learn(client);
        client.socket = await client.person.socket();
        client.asked = [];
        return undefined;
    }
  }

  async function playReaction(client: Client, act: Extract<Act, { kind: "react" }>) {
    const { person, socket } = client;
    const messageId = messageIds[act.nth % (messageIds.length || 1)];
    if (messageId === undefined) return undefined;
    const { emoji, on } = act;
    let code: string | undefined;
    if (act.overHttp) {
      const path = `/api/chats/${chat.id}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`;
      const { status, body } = await person.api(on ? "PUT" : "DELETE", path);
      if (status !== 200) code = String(body.type).split("/").at(-1);
    } else {
      const ids = { chat_id: chat.id, message_id: messageId };
      const reply = await socket.ask({ type: "react", ...ids, emoji, on });
      if (reply.type !== "ack") code = String(reply.code);
    }
    if (code !== undefined) return expectRefusal(client, { code }, "not_found");
    reacted.push({ messageId, userId: person.id, emoji, on });
    return undefined;
  }

  function isMoving({ person }: Client): boolean {
    return person !== owner;
  }

  function expectRefusal(client: Client, { code }: Outcome, expected: string): undefined {
    if (code !== expected) throw new Mismatch(`answered with ${code}, not ${expected}`);
    if (code === "not_found" && !isMoving(client)) throw new Mismatch("the owner is a stranger");
  }

  async function send(
    { person, socket }: Client,
    { clientId, content }: { clientId: string; content: string },
    overHttp: boolean,
  ): Promise<Outcome> {
    const body = { content, client_id: clientId };
    if (overHttp) {
      const { status, body: reply } = await person.api(
        "POST",
        `/api/chats/${chat.id}/messages`,
        body,
      );
      if (status === 200) return { messageId: reply.id, seq: reply.seq };
      return { code: String(reply.type).split("/").at(-1) };
    }
    const reply = await socket.ask({ type: "message", chat_id: chat.id, ...body });
    if (reply.type !== "ack") return { code: String(reply.code) };
    return { messageId: Number(reply.message_id), seq: Number(reply.seq) };
  }

  async function ask(client: Client, act: Extract<Act, { kind: "join" | "leave" }>) {
    const { socket } = client;
    const sentAt = socket.frames.length;
    const { lastSeq } = model;
    const afterSeq =
      act.kind === "join" && act.back !== undefined
        ? Math.max(0, learn(client) - act.back)
        : undefined;
    const request = { type: act.kind, chat_id: chat.id, after_seq: afterSeq };
    const reply = await socket.ask(request);
    const answeredAt = socket.frames.findIndex(
      (frame: Frame) => frame.request_id === reply.request_id,
    );
    const refused = reply.type === "error";
    if (refused) expectRefusal(client, { code: String(reply.code) }, "not_found");
    client.asked.push({
      type: act.kind,
      sentAt,
      answeredAt,
      afterSeq,
      refused,
      lastSeq: refused ? 0 : lastSeq,
    });
    return undefined;
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

  async function playChange(act: Extract<Act, { guest: 0 | 1 }>) {
    const guest = guests[act.guest];
    const path = `/api/chats/${chat.id}`;
    if (act.kind === "invite") {
      await owner.api("POST", `${path}/invite`, { username: guest.username });
    } else if (act.byThemselves) await guest.api("POST", `${path}/leave`);
    else await owner.api("DELETE", `${path}/participants/${guest.id}`);
  }
}
