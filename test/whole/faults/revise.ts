// People who edit and delete what they have written, answers that they asked for, and the owner who deletes what others wrote.
import type { Client } from "./client.ts";
import type { Figures } from "./figures.ts";
import type { Revision, Send } from "./history.ts";
import { questionFor } from "./model.ts";
import { problemCode } from "./people.ts";
import type { Random } from "./random.ts";

/** Only the newest messages of a person are changed, so that some are changed often. */
const newestMax = 12;
const notDone = ["lost", "unavailable", "internal", "flood"];

export interface ReviserParts {
  client: Client;
  /** The sends of this client. */
  own: readonly Send[];
  /** The sends of everybody, if the person may delete them. */
  all: readonly Send[];
  revisions: Revision[];
  figures: Figures;
  retryMsMax: number;
  givenUpMs: number;
  onIncident: (words: string) => void;
}

/** Changes one message: tries until it is acknowledged, or refused for good. */
export async function reviseOne(parts: ReviserParts, random: Random, name: string): Promise<void> {
  const { client, figures, onIncident } = parts;
  const revision = chosen(parts, random, name);
  if (!revision) return;
  parts.revisions.push(revision);
  const begun = performance.now();
  for (;;) {
    const { number, code } = await attempt(revision, client, random.chance(0.7));
    if (number !== undefined) {
      revision.acks.push(number);
      figures.revisions += 1;
      return;
    }
    if (!notDone.includes(code)) return void revision.refusals.push(code);
    if (code !== "flood") revision.maybeStored = true;
    if (code === "internal") onIncident(`internal error for the ${revision.kind} ${name}`);
    if (performance.now() - begun > parts.givenUpMs) {
      return onIncident(`the ${revision.kind} ${name} was given up: ${code}`);
    }
    figures.retries += 1;
    await Bun.sleep(random.int(1, parts.retryMsMax));
  }
}

/** Decides what is changed, and how. @returns undefined when there is nothing to change yet */
function chosen(parts: ReviserParts, random: Random, name: string): Revision | undefined {
  const deletes = random.chance(0.3);
  const isAnyones = deletes && parts.all.length > 0 && random.chance(0.5);
  const sends = (isAnyones ? parts.all : parts.own).slice(-newestMax);
  if (sends.length === 0) return undefined;
  const send = random.pick(sends);
  const [ack] = send.acks;
  if (!ack) return undefined;
  const answerId = parts.client.answers.get(ack.messageId);
  const isOfAnswer = deletes && answerId !== undefined && random.chance(0.5);
  const earlier = parts.revisions.findLast(
    ({ messageId, acks }) => messageId === ack.messageId && acks.length > 0,
  );
  const guard = random.chance(0.5) ? (earlier?.acks.at(-1) ?? ack.seq) : undefined;
  return {
    chatId: send.chatId,
    messageId: isOfAnswer ? answerId : ack.messageId,
    userId: parts.client.person.id,
    kind: deletes ? "delete" : "edit",
    // The model recognises a question by its client id when another server goes on with the answer.
    content: deletes ? "" : textOf(send, random, name),
    ifSeq: deletes ? undefined : guard,
    isGuarded: !deletes && guard !== undefined,
    acks: [],
    refusals: [],
    maybeStored: false,
  };
}

function textOf(send: Send, random: Random, name: string): string {
  if (send.asksBot) return `${questionFor(send.clientId)} (${name})`;
  return random.chance(0.2) ? `/bot asks nobody (${name})` : `${name} ${random.pick(["hi", "🙂"])}`;
}

/** One try. @returns the number of the change, or what it came to */
async function attempt(
  { chatId, messageId, kind, content, ifSeq }: Revision,
  client: Client,
  bySocket: boolean,
): Promise<{ number?: number; code: string }> {
  if (bySocket) {
    const frame = { type: kind, chat_id: chatId, message_id: messageId };
    const edit =
      kind === "edit" ? { content, ...(ifSeq === undefined ? {} : { if_seq: ifSeq }) } : {};
    const reply = await client.request({ ...frame, ...edit });
    if (reply?.type !== "ack") return { code: reply?.code ?? "lost" };
    return { number: reply.updated_seq ?? 0, code: "" };
  }
  const path = `/api/chats/${chatId}/messages/${messageId}`;
  const reply =
    kind === "edit"
      ? await client.person.api("PATCH", path, { content, if_seq: ifSeq })
      : await client.person.api("DELETE", path);
  if (reply?.status !== 200) return { code: reply ? problemCode(reply.body) : "lost" };
  return { number: Number(Object(reply.body).updated_seq), code: "" };
}
