// Plays steps in a room of its own, each a few acts at the same time, and compares the log with the model after each.
import { z } from "zod";
import type { Person } from "../../world/world.ts";
import { Message } from "../../../src/wire/messages.ts";
import { Mismatch, type Act, type GuestAct, type Told } from "./acts.ts";
import { playChange } from "./changing.ts";
import { applyGuestAct, expectNothingToDo, playGuestAct } from "./guests.ts";
import { playJoinOrLeave, reconnect, verifyFrames } from "./listening.ts";
import { playReaction } from "./reacting.ts";
import {
  faultOfReactions,
  readReactions,
  withReaction,
  type Asking,
  type Reaction,
} from "./reactions.ts";
import { PlayedRoom, type Cast } from "./room.ts";
import { playRetry, playSend } from "./sending.ts";

/** @throws Mismatch that says where the server and the model part */
export async function play(cast: Cast, steps: Act[][]): Promise<void> {
  const room = await PlayedRoom.open(cast);
  for (const step of steps) await playStep(room, step);
  await verifyHistory(room);
  await Promise.all(room.clients.map((client) => client.socket.settle()));
  for (const client of room.clients) {
    verifyFrames(room, client, true);
    await client.socket.close();
  }
}

async function playStep(room: PlayedRoom, step: Act[]): Promise<void> {
  const { model, members, moderators } = room;
  const before = { members: new Set(members), moderators: new Set(moderators) };
  const guestActs = step.filter((act) => "guest" in act);
  const [moving] = guestActs;
  room.reacted = [];
  room.movingId = moving && room.guests[moving.guest].id;
  const told = (await Promise.all(step.map((act) => playAct(room, act)))).flatMap(
    (news) => news ?? [],
  );
  for (const { messageId, number, content } of told) {
    const known = model.contentOf(messageId, number);
    if (number <= model.lastSeq && known !== content) {
      throw new Mismatch(`acknowledged as ${number}, which is ${known}`);
    }
  }
  await growLog(room, told, guestActs);
  for (const act of guestActs) expectNothingToDo(room, act, before);
}

/** @returns the states of messages that were acknowledged */
async function playAct(room: PlayedRoom, act: Act): Promise<Told[] | undefined> {
  if ("guest" in act) return void (await playGuestAct(room, act));
  const client = room.clients[act.by];
  if (!client) return undefined;
  switch (act.kind) {
    case "send":
      return await playSend(room, client, act);
    case "retry":
      return await playRetry(room, client, act);
    case "edit":
    case "delete":
      return await playChange(room, client, act);
    case "react":
      return await playReaction(room, client, act);
    case "join":
    case "leave":
      return await playJoinOrLeave(room, client, act);
    case "reconnect":
      return await reconnect(room, client);
  }
}

/**
 * Adds the numbers that the step took to the model.
 * @param guestActs those that took a number are removed
 * @throws Mismatch for a number that no act took, or that two took
 */
async function growLog(room: PlayedRoom, told: Told[], guestActs: GuestAct[]): Promise<void> {
  const { model, owner, sql, chatId } = room;
  const byNumber = Map.groupBy(told, ({ number }) => number);
  const { body: chat } = await owner.api("GET", room.path);
  const upTo = Number(chat.last_seq);
  const reactions = await readReactions(sql, chatId, model.lastSeq);
  const stored: Asking[] = [];
  for (let number = model.lastSeq + 1; number <= upTo; number += 1) {
    const messages = byNumber.get(number) ?? [];
    const reaction = reactions.get(number);
    if (reaction?.kind === "reaction") {
      addReaction(room, reaction, number);
      stored.push(reaction);
    } else if (reaction && !tookNumber(room, messages)) model.add(reaction);
    else if (messages.length > 0) addMessage(room, messages, number);
    else {
      const act = guestActs.pop();
      if (!act) throw new Mismatch(`nobody took number ${number}`);
      applyGuestAct(room, act);
    }
  }
  const fault = faultOfReactions(stored, room.reacted, (id) =>
    model.contentOf(id) === "" ? undefined : model.reactionsOf(id),
  );
  if (fault) throw new Mismatch(fault);
  const beyond = told.find(({ number }) => number > upTo);
  if (beyond) {
    throw new Mismatch(`acknowledged as ${beyond.number}, the log ends at ${upTo}`);
  }
}

/** Whether a message took the number: an edit to the same text gets that of the last change, which may be a reaction. */
function tookNumber({ model }: PlayedRoom, [told]: Told[]): boolean {
  if (!told) return false;
  return told.kind === "message" || model.contentOf(told.messageId) !== told.content;
}

function addReaction(room: PlayedRoom, reaction: Reaction, number: number): void {
  const shown = withReaction(room.model.reactionsOf(reaction.messageId) ?? [], reaction);
  if (typeof shown === "string") throw new Mismatch(shown);
  room.model.add(reaction);
  expectMember(room, [reaction.userId], number);
}

/** @param messages the acknowledgements with this number, one at least */
function addMessage(room: PlayedRoom, messages: Told[], number: number): void {
  const [told] = messages;
  if (!told) return;
  const { kind, messageId, content, userId } = told;
  room.model.add({ kind, messageId, content });
  if (messages.some((other) => other.messageId !== messageId || other.content !== content)) {
    throw new Mismatch(`${number} was acknowledged as two changes`);
  }
  expectMember(
    room,
    messages.map((one) => one.userId),
    number,
  );
  if (kind === "message") room.said.push({ messageId, userId });
}

function expectMember({ members }: PlayedRoom, userIds: number[], number: number): void {
  if (!userIds.some((userId) => members.has(userId))) {
    throw new Mismatch(`a stranger wrote ${number}`);
  }
}

/** Compares the history, and each person's count of mentions, with the model. */
async function verifyHistory(room: PlayedRoom): Promise<void> {
  const { model, owner, guests, members } = room;
  const limit = 200;
  const { body } = await owner.api("GET", `${room.path}/messages?limit=${limit}&after_seq=0`);
  const messages = z.array(Message).parse(body);
  for (const { id, content, updated_seq, reactions } of messages) {
    const isRight =
      content === model.contentOf(id) &&
      updated_seq === model.lastChangeOf(id) &&
      Bun.deepEquals(reactions, model.reactionsOf(id));
    if (!isRight) throw new Mismatch(`message ${id} is loaded as ${content} at ${updated_seq}`);
  }
  if (messages.length !== Math.min(room.said.length + 1, limit)) {
    throw new Mismatch(`${messages.length} are loaded`);
  }
  if (messages.length === limit) return;
  for (const person of [owner, ...guests]) {
    if (members.has(person.id)) await verifyMentions(room, person, messages);
  }
}

/** The mentions that a person is told of are those in the messages since they joined. */
async function verifyMentions({ chatId, model }: PlayedRoom, person: Person, messages: Message[]) {
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
