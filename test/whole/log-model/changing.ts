// Edits and deletes messages of anybody.
import { codeOf, Mismatch, type Act, type Outcome, type Told } from "./acts.ts";
import type { Client, PlayedRoom } from "./room.ts";

type ChangeAct = Extract<Act, { kind: "edit" | "delete" }>;

/** A message that an act is about to change, and the right of the act's person to do so. */
interface Target {
  messageId: number;
  /** The text before the step; "" for a deleted message. */
  before: string;
  /** The new text; "" for a deletion. */
  content: string;
  /** The number that an edit requires the message to have. */
  ifSeq: number | undefined;
  isAuthor: boolean;
  /** Whether the person may delete the message of somebody else. */
  moderates: "yes" | "no" | "perhaps";
}

/** @returns the changed message, if the change was acknowledged */
export async function playChange(
  room: PlayedRoom,
  client: Client,
  act: ChangeAct,
): Promise<Told[] | undefined> {
  const target = aim(room, client, act);
  if (!target) return undefined;
  const outcome = await change(room, client, target, act);
  if (outcome.code !== undefined) return await expectRefused(room, client, target, act, outcome);
  const { messageId, content } = target;
  const { updatedSeq } = outcome;
  const isEdit = act.kind === "edit";
  if (!target.isAuthor && (isEdit || target.moderates === "no")) {
    throw new Mismatch(`${client.person.username} could ${act.kind} another's message`);
  }
  if (isEdit && target.before === "") throw new Mismatch("a deleted message was edited");
  if (updatedSeq === undefined) throw new Mismatch(`${act.kind} without a number`);
  const userId = client.person.id;
  return [{ kind: "message_updated", messageId, number: updatedSeq, content, userId }];
}

function aim(room: PlayedRoom, { person }: Client, act: ChangeAct): Target | undefined {
  const message = room.messageAt(act.nth);
  if (!message) return undefined;
  const { messageId, userId: authorId } = message;
  const before = room.model.contentOf(messageId) ?? "";
  const { owner, moderators, movingId } = room;
  let moderates: Target["moderates"] = "no";
  if (person === owner) moderates = "yes";
  else if (authorId === owner.id) moderates = "no";
  // Whoever gets another role, or comes and goes, at the same time may be allowed it or not.
  else if (person.id === movingId) moderates = "perhaps";
  else if (moderators.has(person.id)) moderates = "yes";
  const isAuthor = person.id === authorId;
  if (act.kind === "delete") {
    return { messageId, before, content: "", ifSeq: undefined, isAuthor, moderates };
  }
  const content = act.content === "same" && before !== "" ? before : room.nextText("edit").text;
  const ifSeq = act.guarded ? room.model.lastChangeOf(messageId) : undefined;
  return { messageId, before, content, ifSeq, isAuthor, moderates };
}

/** @throws Mismatch if the act should not have been refused with this code */
async function expectRefused(
  room: PlayedRoom,
  client: Client,
  { messageId, ifSeq, isAuthor, moderates }: Target,
  { kind }: ChangeAct,
  { code }: Outcome,
): Promise<undefined> {
  const isEdit = kind === "edit";
  switch (code) {
    case "forbidden":
      if (isAuthor || (!isEdit && moderates === "yes")) {
        throw new Mismatch(`the ${isAuthor ? "author" : "moderator"} was refused to ${kind}`);
      }
      return;
    case "not_found":
      if (room.comesAndGoes(client)) return;
      throw new Mismatch(`nothing to ${kind}`);
    case "message_deleted":
      if (isEdit && (await room.isDeleted(messageId))) return;
      throw new Mismatch(`${kind} was refused for a message that is there`);
    case "changed_meanwhile": {
      const { body: now } = await room.owner.api("GET", `${room.path}/messages/${messageId}`);
      if (ifSeq !== undefined && now.updated_seq !== ifSeq) return;
    }
  }
  throw new Mismatch(`${kind} was answered with ${code}`);
}

async function change(
  { chatId, path }: PlayedRoom,
  { person, socket }: Client,
  { messageId, content, ifSeq }: Target,
  { kind, overHttp }: ChangeAct,
): Promise<Outcome> {
  const guard = ifSeq === undefined ? {} : { if_seq: ifSeq };
  const edit = kind === "edit" ? { content, ...guard } : undefined;
  if (overHttp) {
    const method = kind === "edit" ? "PATCH" : "DELETE";
    const { status, body } = await person.api(method, `${path}/messages/${messageId}`, edit);
    return status === 200 ? { updatedSeq: body.updated_seq } : { code: codeOf(body) };
  }
  const reply = await socket.ask({ type: kind, chat_id: chatId, message_id: messageId, ...edit });
  if (reply.type !== "ack") return { code: String(reply.code) };
  return { updatedSeq: Number(reply.updated_seq) };
}
