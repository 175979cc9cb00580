// The check of accounts that were deleted: completed although the server was killed, and nothing is left of what should be gone.
import { checkCounters, checkNumbers } from "./check-numbers.ts";
import type { Departure, History, LeftBehind, Report, Violation } from "./history.ts";

export function checkDepartures({ departures, leftBehind }: History): Violation[] {
  const found: Violation[] = [];
  if (!leftBehind) return found;
  const report: Report = (rule, detail) => void found.push({ rule, detail });
  for (const departure of departures.filter(({ isDone }) => isDone)) {
    checkPerson(departure, leftBehind, report);
    checkTexts(departure, leftBehind, report);
    checkChats(departure, leftBehind, report);
  }
  for (const chat of leftBehind.chats) found.push(...checkNumbers(chat), ...checkCounters(chat));
  checkLoads(leftBehind, report);
  return found;
}

function checkPerson(
  { userId, username }: Departure,
  { unfinished, people }: LeftBehind,
  report: Report,
) {
  if (unfinished.includes(userId)) report("deletion not completed", username);
  const person = people.get(userId);
  const isGone =
    person?.isDeleted === true &&
    person.username === "Deleted user" &&
    person.email === "" &&
    person.sessions === 0 &&
    person.chats === 0;
  if (!isGone) report("acknowledged but not deleted", `${username}: ${JSON.stringify(person)}`);
}

function checkTexts(
  { username, messages, word, profileWord, sent, sharedChatIds }: Departure,
  { tablesWith, chats }: LeftBehind,
  report: Report,
) {
  for (const gone of messages === "erase" ? [word, profileWord] : [profileWord]) {
    const tables = tablesWith.get(gone);
    if (tables?.length !== 0) report("text of a deleted account", `${gone} in ${tables?.join()}`);
  }
  const stored = new Map(
    chats.flatMap((chat) => chat.messages).map((message) => [message.id, message]),
  );
  for (const { chatId, messageId, content } of sent) {
    // The chat of nobody else is deleted.
    if (!sharedChatIds.includes(chatId)) continue;
    const message = stored.get(messageId);
    const isErased = messages === "erase";
    const isAsItShould =
      message?.username === "Deleted user" &&
      message.content === (isErased ? "" : content) &&
      (message.deleted_at !== null) === isErased;
    if (!isAsItShould) {
      report("message of a deleted account", `${username}: ${messageId} is ${message?.content}`);
    }
  }
}

function checkChats(
  { userId, username, messages, sent, ownChatId, sharedChatIds }: Departure,
  { owners, chats, stayingId }: LeftBehind,
  report: Report,
) {
  if (owners.has(ownChatId)) report("chat of nobody", `${username}: ${ownChatId}`);
  for (const chatId of sharedChatIds) {
    const chat = chats.find(({ id }) => id === chatId);
    if (owners.get(chatId) !== stayingId || chat?.participants.join() !== String(stayingId)) {
      report("chat not handed over", `${username}: ${chatId} has the owner ${owners.get(chatId)}`);
    }
    const left = chat?.changes.filter(
      ({ kind, user_id }) => kind === "participant_removed" && user_id === userId,
    );
    if (left?.length !== 1) {
      report("left more or less than once", `${username}: ${chatId} ${left?.length} times`);
    }
    if (messages !== "erase") continue;
    // One number for each erased message, however often a statement was repeated. One message was edited before.
    const ids = new Set(sent.map(({ messageId }) => messageId));
    const erased = chat?.changes.filter(
      ({ kind, message_id }) => kind === "message_updated" && ids.has(message_id ?? 0),
    );
    const wanted = 1 + sent.filter((message) => message.chatId === chatId).length;
    if (erased?.length !== wanted) {
      report("erased more or less than once", `${username}: ${chatId} ${erased?.length}/${wanted}`);
    }
  }
}

function checkLoads({ loads, chats }: LeftBehind, report: Report) {
  for (const { chatId, found } of loads) {
    const stored = chats
      .find(({ id }) => id === chatId)
      ?.messages.map(({ ordinal: _, versions: __, ...message }) => message);
    if (!Bun.deepEquals(found?.messages, stored)) report("loaded other than stored", `${chatId}`);
  }
}
