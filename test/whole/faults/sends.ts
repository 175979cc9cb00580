// People who send messages and questions until they are told that these are stored.
import { backoffMs } from "./backoff.ts";
import type { Client } from "./client.ts";
import type { Figures, Recovery } from "./figures.ts";
import { uploadSome } from "./files.ts";
import type { Send } from "./history.ts";
import type { Mix } from "./mix.ts";
import { questionFor } from "./model.ts";
import { problemCode } from "./people.ts";
import type { Random } from "./random.ts";

export interface SenderParts {
  client: Client;
  chatIds: readonly number[];
  /** The sends of this client. */
  own: Send[];
  /** The sends of everybody. */
  all: Send[];
  figures: Figures;
  recovery: Recovery;
  mix: Mix;
  givenUpMs: number;
  onIncident: (words: string) => void;
}

/** One try. @returns what it came to: acknowledged, refused with a code, or unknown */
async function attempt(send: Send, client: Client, bySocket: boolean) {
  const { chatId, content, clientId, attachmentIds } = send;
  const message = { content, client_id: clientId, attachment_ids: attachmentIds };
  if (bySocket) {
    const frame = { type: "message", chat_id: chatId, ...message };
    const reply = await client.request(frame);
    if (reply?.type !== "ack") return { code: reply?.code ?? "lost" };
    return { ack: { messageId: reply.message_id ?? 0, seq: reply.seq ?? 0 } };
  }
  const path = `/api/chats/${chatId}/messages`;
  const reply = await client.person.api("POST", path, message);
  if (reply?.status !== 200) return { code: reply ? problemCode(reply.body) : "lost" };
  const body = Object(reply.body);
  return { ack: { messageId: Number(body.id), seq: Number(body.seq) } };
}

/** Tries until it is acknowledged or refused for good. */
async function deliver(parts: SenderParts, send: Send, random: Random) {
  const { client, figures, recovery, mix, onIncident } = parts;
  const begun = performance.now();
  for (let tries = 1; ; tries += 1) {
    const triedAt = performance.now();
    const { ack, code } = await attempt(send, client, random.chance(0.7));
    if (ack) {
      send.acks.push(ack);
      figures.acks += 1;
      return recovery.acknowledged(triedAt);
    }
    if (["lost", "unavailable", "internal"].includes(code)) send.maybeStored = true;
    if (code === "internal") onIncident(`internal error for ${send.clientId}`);
    if (!["lost", "unavailable", "internal", "flood", "quota_exceeded"].includes(code)) {
      figures.refused += 1;
      send.refusals.push(code);
      return;
    }
    if (performance.now() - begun > parts.givenUpMs) {
      return onIncident(`${send.clientId} was given up after ${tries} tries: ${code}`);
    }
    figures.retries += 1;
    await Bun.sleep(random.int(1, backoffMs(mix.retryMsMax, tries)));
  }
}

/** Sends one message, some of them twice at once. */
export async function sendOne(parts: SenderParts, random: Random, number: string): Promise<void> {
  const { client, chatIds, figures, mix } = parts;
  const asksBot = random.chance(mix.questions);
  const chatId = random.pick(chatIds);
  const fileId = random.chance(mix.files)
    ? await uploadSome(client.person, chatId, number, random)
    : undefined;
  if (fileId !== undefined) figures.files += 1;
  const send: Send = {
    chatId,
    userId: client.person.id,
    clientId: number,
    content: asksBot
      ? questionFor(number, random.chance(0.2) ? "/image" : "/bot")
      : `${number} ${random.pick(["hi", "🙂", "naïve", "@all"])}`,
    asksBot,
    attachmentIds: fileId === undefined ? [] : [fileId],
    acks: [],
    refusals: [],
    maybeStored: false,
  };
  parts.all.push(send);
  parts.own.push(send);
  const twice = random.chance(0.15);
  const deliveries = [deliver(parts, send, random.fork(number))];
  if (twice) {
    figures.sentTwice += 1;
    deliveries.push(deliver(parts, send, random.fork(`${number} again`)));
  }
  await Promise.all(deliveries);
}
