// People who react to the newest messages and answers, and take their reactions back.
import type { Client } from "./client.ts";
import type { Figures } from "./figures.ts";
import type { Reacting, Send } from "./history.ts";
import { problemCode } from "./people.ts";
import type { Random } from "./random.ts";

const emojis = ["👍", "❤️", "👩🏽‍💻"];
/** Few messages get all reactions, so that many people react to the same one. */
const newestMax = 6;
const notDone = ["lost", "unavailable", "internal", "flood"];

export interface ReactionParts {
  /** The clients of one person, who wants one thing at a time. */
  clients: readonly Client[];
  /** The sends of everybody. */
  sends: readonly Send[];
  reactions: Reacting[];
  figures: Figures;
  retryMsMax: number;
  givenUpMs: number;
  onIncident: (words: string) => void;
}

/** Adds or takes back one reaction: tries until it is acknowledged, or refused for good. */
export async function reactOnce(parts: ReactionParts, random: Random): Promise<void> {
  const { figures, onIncident } = parts;
  const client = random.pick([...parts.clients]);
  const sent = parts.sends.filter(({ acks }) => acks.length > 0).slice(-newestMax);
  if (sent.length === 0) return;
  const send = random.pick(sent);
  const questionId = send.acks[0]?.messageId ?? 0;
  const answerId = client.answers.get(questionId);
  const reacting: Reacting = {
    chatId: send.chatId,
    messageId: answerId !== undefined && random.chance(0.5) ? answerId : questionId,
    userId: client.person.id,
    emoji: random.pick(emojis),
    on: random.chance(0.6),
    isDone: false,
    refusals: [],
    maybeStored: false,
  };
  parts.reactions.push(reacting);
  const begun = performance.now();
  for (;;) {
    const code = await attempt(reacting, client, random.chance(0.7));
    if (code === undefined) {
      reacting.isDone = true;
      figures.reactions += 1;
      return;
    }
    if (!notDone.includes(code)) return void reacting.refusals.push(code);
    if (code !== "flood") reacting.maybeStored = true;
    if (code === "internal") onIncident(`internal error for ${JSON.stringify(reacting)}`);
    if (performance.now() - begun > parts.givenUpMs) {
      return onIncident(`${JSON.stringify(reacting)} was given up: ${code}`);
    }
    figures.retries += 1;
    await Bun.sleep(random.int(1, parts.retryMsMax));
  }
}

/** One try. @returns what it came to; undefined when it was acknowledged */
async function attempt(
  { chatId, messageId, emoji, on }: Reacting,
  client: Client,
  bySocket: boolean,
): Promise<string | undefined> {
  if (bySocket) {
    const frame = { type: "react", chat_id: chatId, message_id: messageId, emoji, on };
    const reply = await client.request(frame);
    return reply?.type === "ack" ? undefined : (reply?.code ?? "lost");
  }
  const path = `/api/chats/${chatId}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`;
  const reply = await client.person.api(on ? "PUT" : "DELETE", path);
  if (reply?.status === 200) return undefined;
  return reply ? problemCode(reply.body) : "lost";
}
