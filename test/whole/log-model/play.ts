// Plays steps in a room of its own, each a few things that happen at the same time, and holds what came of them
// against the model.
import { z } from "zod";
import { Message } from "../../../src/wire/messages.ts";
import { playAct, verifyHearing } from "./acting.ts";
import { Mismatch, type Act, type Cast, type Client, type Room, type Told } from "./acts.ts";
import { createModel } from "./model.ts";
import { faultOfReactions, readReactions, withReaction, type Asking } from "./reactions.ts";

/** @throws Mismatch that says where the server and the model part */
export async function play(cast: Cast, steps: Act[][]): Promise<void> {
  const { owner, guests } = cast;
  const chat = await owner.chat({ with: guests });
  const members = new Set([owner.id, ...guests.map((guest) => guest.id)]);
  const clients: Client[] = [];
  for (const person of [owner, owner, ...guests]) {
    clients.push({ person, socket: await person.socket(), asked: [], sent: [], has: 0 });
  }
  const anchor = await owner.say(chat.id, "anchor");
  const model = createModel();
  model.add({ kind: "message", messageId: anchor.id, content: anchor.content });
  const ids = { chatId: chat.id, anchorId: anchor.id };
  const room: Room = { cast, ...ids, model, clients, said: [], reacted: [], made: 0 };

  for (const step of steps) await playStep(room, members, step);
  await verifyHistory(room);
  await verifyMentions(room, members);
  await Promise.all(clients.map((client) => client.socket.settle()));
  for (const client of clients) {
    verifyHearing(room, client, true);
    await client.socket.close();
  }
}

async function verifyHistory({ cast, chatId, model, said }: Room) {
  const { owner } = cast;
  const { body } = await owner.api("GET", `/api/chats/${chatId}/messages?limit=200&after_seq=0`);
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

/** A person is told as many mentions as the messages since they came have. */
async function verifyMentions({ cast, chatId, model }: Room, members: Set<number>) {
  const { owner, guests } = cast;
  const { body } = await owner.api("GET", `/api/chats/${chatId}/messages?limit=200&after_seq=0`);
  if (body.length === 200) return;
  const messages = z.array(Message).parse(body);
  for (const person of [owner, ...guests]) {
    if (!members.has(person.id)) continue;
    const { body: list } = await person.api("GET", "/api/chats");
    const count = list.find(({ id }: { id: number }) => id === chatId)?.mention_count;
    const joinedAt = model.joinedAt(person.id);
    const mentioning = messages.filter(
      ({ seq, mentions }) => seq > joinedAt && mentions.includes(person.id),
    );
    if (count !== mentioning.length) {
      throw new Mismatch(`${person.username} has ${count} mentions, not ${mentioning.length}`);
    }
  }
}

async function playStep(room: Room, members: Set<number>, step: Act[]) {
  const { cast, chatId, model } = room;
  const { owner, guests, sql } = cast;
  room.reacted = [];
  const before = new Set(members);
  const changes = step.filter((act) => "guest" in act);
  const sends = await Promise.all(step.map((act) => playAct(room, act)));
  const news = sends.flatMap((messages) => messages ?? []);
  const byNumber = Map.groupBy(news, ({ number }) => number);
  for (const told of news) {
    const known = model.contentOf(told.messageId, told.number);
    if (told.number <= model.lastSeq && known !== told.content) {
      throw new Mismatch(`acknowledged as ${told.number}, which is ${known}`);
    }
  }

  const now = await owner.api("GET", `/api/chats/${chatId}`);
  const upTo = Number(now.body.last_seq);
  const reactions = await readReactions(sql, chatId, model.lastSeq);
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
    if (told) addChange(room, members, number, [told, ...more]);
    else addMove(room, members, number, changes.pop());
  }
  const fault = faultOfReactions(stored, room.reacted, (id) =>
    model.contentOf(id) === "" ? undefined : model.reactionsOf(id),
  );
  if (fault) throw new Mismatch(fault);
  for (const { number } of news) {
    if (number > upTo) throw new Mismatch(`acknowledged as ${number}, the log ends at ${upTo}`);
  }
  for (const change of changes) {
    const wasIn = "guest" in change && before.has(guests[change.guest].id);
    if (wasIn === (change.kind === "remove")) throw new Mismatch(`${change.kind} did nothing`);
  }
}

/** A message or an edit that was acknowledged under a number, by several requests when they were the same. */
function addChange(room: Room, members: Set<number>, number: number, told: [Told, ...Told[]]) {
  const { kind, messageId, content, userId } = told[0];
  room.model.add({ kind, messageId, content });
  if (told.some((other) => other.messageId !== messageId || other.content !== content)) {
    throw new Mismatch(`${number} was acknowledged as two changes`);
  }
  expectMember(
    told.map((one) => one.userId),
    members,
    number,
  );
  if (kind === "message") room.said.push({ messageId, userId });
}

function addMove(room: Room, members: Set<number>, number: number, move: Act | undefined) {
  if (move === undefined || !("guest" in move)) throw new Mismatch(`nobody took number ${number}`);
  const { id: userId } = room.cast.guests[move.guest];
  const isRemoval = move.kind === "remove";
  room.model.add({ kind: isRemoval ? "participant_removed" : "participant_added", userId });
  if (members.has(userId) !== isRemoval) throw new Mismatch(`${move.kind} for nothing`);
  if (isRemoval) members.delete(userId);
  else members.add(userId);
}

function expectMember(userIds: number[], people: Set<number>, number: number) {
  if (!userIds.some((userId) => people.has(userId))) {
    throw new Mismatch(`a stranger wrote ${number}`);
  }
}
