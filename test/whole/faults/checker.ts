// The one checker for all faults: plain functions from a history to what in it breaks the guarantees of the room log.
// This file checks the stored data; tapes.ts checks the frames that every client saw.
import type { History, Load, Send, StoredChat, StoredMessage, Violation } from "./history.ts";
import { checkDepartures } from "./check-departures.ts";
import { checkExports } from "./check-exports.ts";
import { checkCounters, checkNumbers } from "./check-numbers.ts";
import { checkPresence } from "./check-presence.ts";
import { checkReactions, isReaction } from "./check-reactions.ts";
import { checkProfiles } from "./profiles.ts";
import { checkRevisions } from "./check-revisions.ts";
import { checkTapes } from "./tapes.ts";
import { checkWebhooks } from "./check-webhooks.ts";

export function check(history: History): Violation[] {
  return [
    ...history.incidents.map((detail) => ({ rule: "incident", detail })),
    ...history.sends.flatMap((send) => checkSend(history, send)),
    ...history.chats.flatMap((chat) => [
      ...checkNumbers(chat),
      ...checkCounters(chat),
      ...checkClientIds(chat),
      ...checkMoves(history, chat),
      ...checkRenames(history, chat),
    ]),
    ...history.chats.flatMap((chat) =>
      chat.messages.flatMap((message) => checkMessage(history, chat, message)),
    ),
    ...checkRevisions(history),
    ...checkReactions(history),
    ...checkProfiles(history),
    ...history.loads.flatMap((load) => checkLoad(history, load)),
    ...checkTapes(history),
    ...checkPresence(history),
    ...checkDepartures(history),
    ...checkExports(history),
    ...checkWebhooks(history),
  ];
}

export function chatOf(history: History, chatId: number): StoredChat | undefined {
  return history.chats.find((chat) => chat.id === chatId);
}

const violation = (rule: string, detail: string): Violation => ({ rule, detail });

const sendsByChat = new WeakMap<History, Map<string, Send>>();

function keyOf(chatId: number, userId: number | null, clientId: string | null): string {
  return `${chatId} ${userId} ${clientId}`;
}

function findSend(history: History, message: StoredMessage): Send | undefined {
  const byKey = sendsByChat.getOrInsertComputed(
    history,
    () =>
      new Map(history.sends.map((send) => [keyOf(send.chatId, send.userId, send.clientId), send])),
  );
  return byKey.get(keyOf(message.chat_id, message.user_id, message.client_id));
}

/** Acknowledged ⊆ stored, with the number and the content that were acknowledged; refused for certain: not stored. */
function checkSend(history: History, send: Send): Violation[] {
  const name = `${send.clientId} in chat ${send.chatId}`;
  const stored = chatOf(history, send.chatId)?.messages.find(
    ({ client_id, user_id }) => client_id === send.clientId && user_id === send.userId,
  );
  const found: Violation[] = [];
  for (const ack of send.acks) {
    if (!stored) found.push(violation("acknowledged but not stored", name));
    else if (stored.id !== ack.messageId || stored.seq !== ack.seq) {
      found.push(
        violation(
          "acknowledged as another",
          `${name}: acknowledged as ${ack.messageId}/${ack.seq}, stored as ${stored.id}/${stored.seq}`,
        ),
      );
    }
  }
  const { acks, refusals, maybeStored } = send;
  if (acks.length === 0 && refusals.length === 0) found.push(violation("never answered", name));
  if (stored && acks.length === 0 && !maybeStored) {
    found.push(violation("refused but stored", `${name}: ${refusals.join(", ")}`));
  }
  const mayBeRefused = history.moves.some(
    (move) => move.chatId === send.chatId && move.userId === send.userId,
  );
  for (const code of refusals) {
    if (code !== "not_found" || !mayBeRefused) {
      found.push(violation("refused for no reason", `${name}: ${code}`));
    }
  }
  return found;
}

function checkClientIds(chat: StoredChat): Violation[] {
  const seen = new Set<string>();
  return chat.messages.flatMap((message) => {
    if (message.client_id === null) return [];
    const key = keyOf(chat.id, message.user_id, message.client_id);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [violation("stored twice", key)];
  });
}

/** Every message is one that was sent, or the one answer to one; no answer is left without its end. */
function checkMessage(history: History, chat: StoredChat, message: StoredMessage): Violation[] {
  const name = `message ${message.id} in chat ${chat.id}`;
  if (message.is_bot) {
    const question = chat.messages.find(({ id }) => id === message.answer_to);
    if (!question?.client_id) return [violation("answer without a question", name)];
    const whole = history.answerTo(question.client_id);
    if (message.deleted_at !== null) return [];
    if (message.status === "streaming") return [violation("left streaming", name)];
    const fits =
      message.status === "complete" ? message.content === whole : whole.startsWith(message.content);
    if (!fits) return [violation("wrong answer", `${name}: ${message.status} ${message.content}`)];
    return [];
  }
  const send = findSend(history, message);
  if (!send) return [violation("stored but never sent", name)];
  const found: Violation[] = [];
  const first = message.versions.find(({ updated_seq }) => updated_seq === message.seq);
  if (message.deleted_at === null && first?.content !== send.content)
    found.push(violation("stored with other content", name));
  const answers = chat.messages.filter(({ answer_to }) => answer_to === message.id).length;
  if (answers !== (send.asksBot ? 1 : 0)) {
    found.push(violation("wrong number of answers", `${name}: ${answers}`));
  }
  const asked = history.asked.get(send.clientId) ?? 0;
  if (asked > 1 + history.kills)
    found.push(violation("asked the model twice", `${name}: ${asked} times`));
  return found;
}

/** Every move that was retried until it was confirmed has happened once, in the order of the requests. */
function checkMoves(history: History, chat: StoredChat): Violation[] {
  const people = new Set(history.moves.map((move) => move.userId));
  return [...people].flatMap((userId) => {
    const asked = history.moves
      .filter((move) => move.chatId === chat.id && move.userId === userId)
      .map((move) => move.kind);
    const stored = chat.changes
      // Another role is no move.
      .filter(({ kind }) => kind !== "participant_updated")
      .filter((change) => change.user_id === userId && !isReaction(change))
      .sort((a, b) => a.seq - b.seq)
      .map((change) => change.kind);
    if (asked.join() === stored.join()) return [];
    const detail = `user ${userId} in chat ${chat.id}: asked ${asked.length}, stored ${stored.length}`;
    return [violation("membership is not as asked", detail)];
  });
}

function checkRenames(history: History, chat: StoredChat): Violation[] {
  const names = history.renames.filter((rename) => rename.chatId === chat.id);
  const stored = chat.changes.filter((change) => change.kind === "chat_updated").length;
  const last = names.at(-1)?.name;
  if (names.length === stored && (last === undefined || last === chat.name)) return [];
  return [
    violation(
      "name is not as asked",
      `chat ${chat.id}: asked ${names.length} times, stored ${stored}, now ${chat.name}`,
    ),
  ];
}

/** A participant loads the stored messages; anybody else loads nothing. */
function checkLoad(history: History, load: Load): Violation[] {
  const chat = chatOf(history, load.chatId);
  const name = `user ${load.userId} in chat ${load.chatId}`;
  if (!chat?.participants.includes(load.userId)) {
    return load.found ? [violation("loaded by a stranger", name)] : [];
  }
  if (!load.found) return [violation("not loaded by a participant", name)];
  const stored = chat.messages
    .toSorted((a, b) => a.seq - b.seq)
    .map(({ ordinal: _, versions: __, ...message }) => message);
  const found: Violation[] = [];
  if (!Bun.deepEquals(load.found.messages, stored)) {
    found.push(violation("loaded other than stored", name));
  }
  if (load.found.participants.toSorted().join() !== chat.participants.toSorted().join()) {
    found.push(violation("loaded other participants", name));
  }
  return found;
}
