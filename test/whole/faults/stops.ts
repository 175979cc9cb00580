import type { Client } from "./client.ts";
import type { Figures } from "./figures.ts";
import { problemCode } from "./people.ts";
import type { Random } from "./random.ts";

export interface StopperParts {
  clients: readonly Client[];
  figures: Figures;
  onIncident: (words: string) => void;
}

/** Stops an answer that somebody takes for running; it may have ended. */
export async function stopOne(parts: StopperParts, random: Random): Promise<void> {
  const { clients, figures, onIncident } = parts;
  const client = random.pick(clients);
  const found = [...client.running];
  if (found.length === 0) return;
  const [messageId, chatId] = random.pick(found);
  if (random.chance(0.5)) {
    const reply = await client.request({ type: "stop", chat_id: chatId, message_id: messageId });
    if (reply?.type === "ack") figures.stops += 1;
    else noteRefusal(onIncident, messageId, reply?.code ?? "lost");
    return;
  }
  const path = `/api/chats/${chatId}/messages/${messageId}/stop`;
  const reply = await client.person.api("POST", path);
  if (reply?.status !== 200)
    return noteRefusal(onIncident, messageId, reply ? problemCode(reply.body) : "lost");
  figures.stops += 1;
  const { status } = Object(reply.body);
  if (status === "streaming") onIncident(`answer ${messageId} streams though stopped`);
}

function noteRefusal(
  onIncident: StopperParts["onIncident"],
  messageId: number,
  code: string,
): void {
  if (["lost", "unavailable", "flood", "answer_ended", "not_found"].includes(code)) return;
  onIncident(`a stop of answer ${messageId} was refused: ${code}`);
}
