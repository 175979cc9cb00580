// Plays steps in a room of its own, each a few things that happen at the same time, and holds what came of them
// against the model.
import type { Sql } from "../../../src/database/connect.ts";
import type { Frame, TestSocket } from "../../world/socket.ts";
import type { Person } from "../../world/world.ts";
import { z } from "zod";
import { Message } from "../../../src/wire/messages.ts";
import { createModel, type Asked } from "./model.ts";
import { faultOfReactions, readReactions, withReaction, type Asking } from "./reactions.ts";

export type Act =
  | { kind: "send"; by: number; overHttp: boolean; twice: boolean }
  | { kind: "retry"; by: number; nth: number; changed: boolean; overHttp: boolean }
  | {
      kind: "edit";
      by: number;
      nth: number;
      content: "new" | "same";
      guarded: boolean;
      overHttp: boolean;
    }
  | { kind: "delete"; by: number; nth: number; overHttp: boolean }
  | { kind: "react"; by: number; nth: number; emoji: string; on: boolean; overHttp: boolean }
  | { kind: "join"; by: number; back: number | undefined }
  | { kind: "leave"; by: number }
  | { kind: "reconnect"; by: number }
  | { kind: "remove" | "invite"; guest: 0 | 1; byThemselves: boolean }
  | { kind: "promote" | "demote"; guest: 0 | 1 };

interface Sent {
  clientId: string;
  content: string;
  replyTo: number | undefined;
}

interface Client {
  person: Person;
  socket: TestSocket;
  asked: Asked[];
  sent: (Sent & { messageId: number; seq: number })[];
  /** The number up to which it has everything. */
  has: number;
}

interface Outcome {
  code?: string | undefined;
  messageId?: number;
  seq?: number;
  updatedSeq?: number;
}

/** A statement of an acknowledged request about the log: the state of a message at a number. */
interface Told {
  kind: "message" | "message_updated";
  messageId: number;
  number: number;
  content: string;
  userId: number;
}

export interface Cast {
  owner: Person;
  guests: [Person, Person];
  sql: Sql;
}

class Mismatch extends Error {}

/** @throws Mismatch that says where the server and the model part */
export async function play({ owner, guests, sql }: Cast, steps: Act[][]): Promise<void> {
  const chat = await owner.chat({ with: guests });
  const model = createModel();
  const members = new Set([owner.id, ...guests.map((guest) => guest.id)]);
  const moderators = new Set<number>();
  /** The person whose role or membership the step changes. */
  let movingId: number | undefined;
  // The owner at two screens.
  const clients: Client[] = [];
  for (const person of [owner, owner, ...guests]) {
    clients.push({ person, socket: await person.socket(), asked: [], sent: [], has: 0 });
  }
  /** The messages of earlier steps, with their authors. */
  const said: { messageId: number; userId: number }[] = [];
  let made = 0;
  /** The reactions of the step that were acknowledged. */
  let reacted: Asking[] = [];
  // Nobody deletes this message, so that it can be replied to.
  const anchor = await owner.say(chat.id, "anchor");
  model.add({ kind: "message", messageId: anchor.id, content: anchor.content });
  const endings = [
    "",
    "",
    ` @${guests[0].username}`,
    "",
    " @all",
    ` @${guests[1].username} @${owner.username}`,
  ];
  const nextText = (beginning: string) =>
    `${beginning} ${(made += 1)}${endings[made % endings.length]}`;

  for (const step of steps) await playStep(step);
  await verifyHistory();
  await verifyMentions();
  await Promise.all(clients.map((client) => client.socket.settle()));
  for (const client of clients) {
    verify(client, true);
    await client.socket.close();
  }

  function verify({ socket, person, asked }: Client, isOpen: boolean) {
    const { frames } = socket;
    const fault = model.faultOfHearing({ userId: person.id, frames, asked }, isOpen);
    if (fault) throw new Mismatch(`${person.username}: ${fault}`);
  }

  async function verifyHistory() {
    const { body } = await owner.api("GET", `/api/chats/${chat.id}/messages?limit=200&after_seq=0`);
    for (const { id, content, updated_seq, reactions } of body) {
      const isRight =
        content === model.contentOf(id) &&
        updated_seq === model.lastChangeOf(id) &&
        Bun.deepEquals(reactions, model.reactionsOf(id));
      if (!isRight) throw new Mismatch(`message ${id} is loaded as ${content} at ${updated_seq}`);
    }
    if (body.length !== Math.min(said.length + 1, 200)) {
      throw new Mismatch(`${body.length} are loaded`);
    }
  }

  /** The mentions that a person is told of are those in the messages since they joined. */
  async function verifyMentions() {
    const { body } = await owner.api("GET", `/api/chats/${chat.id}/messages?limit=200&after_seq=0`);
    if (body.length === 200) return;
    const messages = z.array(Message).parse(body);
    for (const person of [owner, ...guests]) {
      if (!members.has(person.id)) continue;
      const { body: list } = await person.api("GET", "/api/chats");
      const count = list.find(({ id }: { id: number }) => id === chat.id)?.mention_count;
      const joinedAt = model.joinedAt(person.id);
      const mentioning = messages.filter(
        ({ seq, mentions }) => seq > joinedAt && mentions.includes(person.id),
      );
      if (count !== mentioning.length) {
        throw new Mismatch(`${person.username} has ${count} mentions, not ${mentioning.length}`);
      }
    }
  }

  async function playStep(step: Act[]) {
    reacted = [];
    const before = new Set(members);
    const moderatorsBefore = new Set(moderators);
    const changes = step.filter((act) => "guest" in act);
    movingId = changes.map(({ guest }) => guests[guest].id)[0];
    const sends = await Promise.all(step.map((act) => playAct(act)));
    const news = sends.flatMap((messages) => messages ?? []);
    const byNumber = Map.groupBy(news, ({ number }) => number);
    for (const told of news) {
      const known = model.contentOf(told.messageId, told.number);
      if (told.number <= model.lastSeq && known !== told.content) {
        throw new Mismatch(`acknowledged as ${told.number}, which is ${known}`);
      }
    }

    const now = await owner.api("GET", `/api/chats/${chat.id}`);
    const upTo = Number(now.body.last_seq);
    const reactions = await readReactions(sql, chat.id, model.lastSeq);
    const stored: Asking[] = [];
    for (let number = model.lastSeq + 1; number <= upTo; number += 1) {
      const [told, ...more] = byNumber.get(number) ?? [];
      const reaction = reactions.get(number);
      if (reaction?.kind === "reaction") {
        const shown = withReaction(model.reactionsOf(reaction.messageId) ?? [], reaction);
        if (typeof shown === "string") throw new Mismatch(shown);
        model.add(reaction);
        stored.push(reaction);
        expectMember([reaction.userId], members, number);
        continue;
      }
      // An edit to the same text is acknowledged with the number of the last change, which may be a reaction.
      const isOwn =
        told && (told.kind === "message" || model.contentOf(told.messageId) !== told.content);
      if (reaction && !isOwn) {
        model.add(reaction);
        continue;
      }
      if (told) {
        const { kind, messageId, content, userId } = told;
        model.add({ kind, messageId, content });
        if (more.some((other) => other.messageId !== messageId || other.content !== content)) {
          throw new Mismatch(`${number} was acknowledged as two changes`);
        }
        expectMember(
          [told, ...more].map((one) => one.userId),
          members,
          number,
        );
        if (kind === "message") said.push({ messageId, userId });
        continue;
      }
      const change = changes.pop();
      if (change === undefined || !("guest" in change)) {
        throw new Mismatch(`nobody took number ${number}`);
      }
      const guest = guests[change.guest];
      if (change.kind === "promote" || change.kind === "demote") {
        model.add({ kind: "participant_updated", userId: guest.id });
        const isPromotion = change.kind === "promote";
        if (!members.has(guest.id) || moderators.has(guest.id) === isPromotion) {
          throw new Mismatch(`${change.kind} for nothing`);
        }
        if (isPromotion) moderators.add(guest.id);
        else moderators.delete(guest.id);
        continue;
      }
      const isRemoval = change.kind === "remove";
      model.add({
        kind: isRemoval ? "participant_removed" : "participant_added",
        userId: guest.id,
      });
      if (members.has(guest.id) !== isRemoval) throw new Mismatch(`${change.kind} for nothing`);
      if (isRemoval) {
        members.delete(guest.id);
        moderators.delete(guest.id);
      } else members.add(guest.id);
    }
    const fault = faultOfReactions(stored, reacted, (id) =>
      model.contentOf(id) === "" ? undefined : model.reactionsOf(id),
    );
    if (fault) throw new Mismatch(fault);
    for (const { number } of news) {
      if (number > upTo) throw new Mismatch(`acknowledged as ${number}, the log ends at ${upTo}`);
    }
    for (const change of changes) {
      const { id } = guests[change.guest];
      const wasIn = before.has(id);
      if (change.kind === "promote" || change.kind === "demote") {
        if (wasIn && moderatorsBefore.has(id) !== (change.kind === "promote")) {
          throw new Mismatch(`${change.kind} did nothing`);
        }
      } else if (wasIn === (change.kind === "remove"))
        throw new Mismatch(`${change.kind} did nothing`);
    }
  }

  function expectMember(userIds: number[], people: Set<number>, number: number) {
    if (!userIds.some((userId) => people.has(userId))) {
      throw new Mismatch(`a stranger wrote ${number}`);
    }
  }

  /** @returns what was acknowledged */
  async function playAct(act: Act): Promise<Told[] | undefined> {
    if ("guest" in act) return void (await playChange(act));
    const client = clients[act.by];
    if (!client) return undefined;
    switch (act.kind) {
      case "send": {
        const content = nextText("message");
        const replyTo = made % 4 === 0 ? anchor.id : undefined;
        const message = { clientId: `client ${made}`, content, replyTo };
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
        return [{ kind: "message", messageId, number: seq, content, userId: client.person.id }];
      }
      case "retry": {
        const sent = client.sent[act.nth % (client.sent.length || 1)];
        if (!sent) return undefined;
        const content = act.changed ? `${sent.content}, changed` : sent.content;
        const wasDeleted = model.contentOf(sent.messageId) === "";
        const outcome = await send(client, { ...sent, content }, act.overHttp);
        if (outcome.code === "not_found") return expectRefusal(client, outcome, "not_found");
        // No text of a deleted message is left to compare with.
        const mayDiffer = wasDeleted || (await isDeleted(sent.messageId));
        if (act.changed && !(mayDiffer && outcome.code === undefined)) {
          if (wasDeleted) throw new Mismatch(`a retry of deleted ${sent.seq} was refused`);
          return expectRefusal(client, outcome, "client_id_reused");
        }
        if (outcome.seq !== sent.seq || outcome.messageId !== sent.messageId) {
          throw new Mismatch(`a retry of ${sent.seq} was answered with ${JSON.stringify(outcome)}`);
        }
        return undefined;
      }
      case "edit":
      case "delete":
        return await change(client, act);
      case "react":
        return await react(client, act);
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

  function isMoving({ person }: Client): boolean {
    return person !== owner;
  }

  function expectRefusal(client: Client, { code }: Outcome, expected: string): undefined {
    if (code !== expected) throw new Mismatch(`answered with ${code}, not ${expected}`);
    if (code === "not_found" && !isMoving(client)) throw new Mismatch("the owner is a stranger");
  }

  async function send(
    { person, socket }: Client,
    { clientId, content, replyTo }: Sent,
    overHttp: boolean,
  ): Promise<Outcome> {
    const body = { content, client_id: clientId, reply_to: replyTo };
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

  async function react(client: Client, act: Extract<Act, { kind: "react" }>): Promise<undefined> {
    const { person, socket } = client;
    const { messageId } = said[act.nth % (said.length || 1)] ?? {};
    if (messageId === undefined) return;
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
    if (code === "message_deleted" && (await isDeleted(messageId))) return;
    if (code !== undefined) return expectRefusal(client, { code }, "not_found");
    reacted.push({ messageId, userId: person.id, emoji, on });
  }

  async function isDeleted(messageId: number): Promise<boolean> {
    const { body } = await owner.api("GET", `/api/chats/${chat.id}/messages/${messageId}`);
    return body.deleted_at !== null;
  }

  /** Edits or deletes a message of anybody. */
  async function change(
    client: Client,
    act: Extract<Act, { kind: "edit" | "delete" }>,
  ): Promise<Told[] | undefined> {
    const target = said[act.nth % (said.length || 1)];
    if (!target) return undefined;
    const { messageId, userId: authorId } = target;
    const before = model.contentOf(messageId) ?? "";
    const isAuthor = client.person.id === authorId;
    const isEdit = act.kind === "edit";
    // Whoever gets another role, or comes and goes, at the same time may be allowed it or not.
    const isInMotion = client.person.id === movingId;
    const moderates =
      client.person === owner || (moderators.has(client.person.id) && authorId !== owner.id);
    let content = "";
    if (isEdit) content = act.content === "same" && before !== "" ? before : nextText("edit");
    const guard = isEdit && act.guarded ? { if_seq: model.lastChangeOf(messageId) } : {};
    const body = isEdit ? { content, ...guard } : undefined;
    const { code, updatedSeq } = await changeOnce(client, act, messageId, body);
    switch (code) {
      case undefined:
        if (!isAuthor && (isEdit || !(moderates || (isInMotion && authorId !== owner.id)))) {
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
        if (isAuthor || (!isEdit && moderates && !isInMotion)) {
          throw new Mismatch(`the ${isAuthor ? "author" : "moderator"} was refused to ${act.kind}`);
        }
        return undefined;
      case "not_found":
        if (isMoving(client)) return undefined;
        throw new Mismatch(`nothing to ${act.kind}`);
      case "message_deleted":
        if (isEdit && (await isDeleted(messageId))) return undefined;
        throw new Mismatch(`${act.kind} was refused for a message that is there`);
      case "changed_meanwhile": {
        const path = `/api/chats/${chat.id}/messages/${messageId}`;
        const { body: now } = await owner.api("GET", path);
        if (act.kind === "edit" && act.guarded && now.updated_seq !== guard.if_seq)
          return undefined;
      }
    }
    throw new Mismatch(`${act.kind} was answered with ${code}`);
  }

  async function changeOnce(
    { person, socket }: Client,
    { kind, overHttp }: Extract<Act, { kind: "edit" | "delete" }>,
    messageId: number,
    body: object | undefined,
  ): Promise<Outcome> {
    if (overHttp) {
      const path = `/api/chats/${chat.id}/messages/${messageId}`;
      const reply = await person.api(kind === "edit" ? "PATCH" : "DELETE", path, body);
      if (reply.status === 200) return { updatedSeq: reply.body.updated_seq };
      return { code: String(reply.body.type).split("/").at(-1) };
    }
    const request = { type: kind, chat_id: chat.id, message_id: messageId, ...body };
    const reply = await socket.ask(request);
    if (reply.type !== "ack") return { code: String(reply.code) };
    return { updatedSeq: Number(reply.updated_seq) };
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
    if (!("byThemselves" in act)) {
      const role = act.kind === "promote" ? "moderator" : "member";
      await owner.api("PATCH", `${path}/participants/${guest.id}`, { role });
    } else if (act.kind === "invite") {
      await owner.api("POST", `${path}/invite`, { username: guest.username });
    } else if (act.byThemselves) await guest.api("POST", `${path}/leave`);
    else await owner.api("DELETE", `${path}/participants/${guest.id}`);
  }
}
