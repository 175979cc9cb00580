// Checks edits and deletions: what was acknowledged is stored, and nothing else has changed a message.
import { isReaction } from "./check-reactions.ts";
import { textAt } from "./states.ts";
import type { History, Revision, StoredChat, StoredMessage, Violation } from "./history.ts";

const violation = (rule: string, detail: string): Violation => ({ rule, detail });

export function checkRevisions(history: History): Violation[] {
  const asked = Map.groupBy(history.revisions, (revision) => revision.messageId);
  return [
    ...history.revisions.flatMap((revision) => checkRevision(history, revision, asked)),
    ...history.chats.flatMap((chat) =>
      chat.messages.flatMap((message) => checkVersions(chat, message, asked.get(message.id) ?? [])),
    ),
  ];
}

/** An acknowledged change is in the log under its number, and a refusal has its reason. */
function checkRevision(
  history: History,
  revision: Revision,
  asked: Map<number, Revision[]>,
): Violation[] {
  const { chatId, messageId, kind, content, acks, refusals } = revision;
  const name = `${kind} of message ${messageId} in chat ${chatId}`;
  const chat = history.chats.find(({ id }) => id === chatId);
  const message = chat?.messages.find(({ id }) => id === messageId);
  if (!chat || !message) return [violation("changed message is not stored", name)];
  const isDeleted = message.deleted_at !== null;
  const found: Violation[] = [];
  for (const number of acks) {
    const change = chat.changes.find(({ seq }) => seq === number);
    // An edit to the same text is acknowledged with the number of the last change, which may be a reaction.
    const isChange = change?.kind === "message_updated" || change?.kind.startsWith("reaction_");
    const isInLog = change?.message_id === messageId && isChange;
    if (!isInLog) found.push(violation("acknowledged but not in the log", `${name}: ${number}`));
    if (kind === "edit" && !isDeleted && textAt(message, number) !== content) {
      found.push(violation("acknowledged with another text", `${name}: ${number}`));
    }
    if (kind === "delete" && (!isDeleted || message.updated_seq !== number)) {
      found.push(violation("deleted but still there", `${name}: ${number}`));
    }
  }
  if (acks.length === 0 && refusals.length === 0) found.push(violation("never answered", name));
  const mayBeAway = history.moves.some(
    (move) => move.chatId === chatId && move.userId === revision.userId,
  );
  // An edit whose reply was lost may have been carried out late, after another one; and reactions change a message, too.
  const mayBeStale =
    asked.get(messageId)?.some(({ maybeStored }) => maybeStored) === true ||
    chat.changes.some((change) => change.message_id === messageId && isReaction(change));
  const isDeletedAs = kind === "edit" && isDeleted;
  for (const code of refusals) {
    if (code === "not_found" && mayBeAway) continue;
    if (code === "message_deleted" && isDeletedAs) continue;
    if (code === "changed_meanwhile" && revision.isGuarded && (mayBeStale || isDeletedAs)) continue;
    found.push(violation("refused for no reason", `${name}: ${code}`));
  }
  return found;
}

/** The texts of a message are those that its author wrote, each under its number; a deleted one has none. */
function checkVersions(
  chat: StoredChat,
  message: StoredMessage,
  asked: readonly Revision[],
): Violation[] {
  const name = `message ${message.id} in chat ${chat.id}`;
  const updates = chat.changes.filter(
    (change) => change.message_id === message.id && change.kind === "message_updated",
  );
  const mayHave = (kind: Revision["kind"]) =>
    asked.filter((one) => one.kind === kind && (one.acks.length > 0 || one.maybeStored));
  if (message.deleted_at !== null) {
    const isBare = message.content === "" && message.versions.length === 0;
    const found = isBare ? [] : [violation("text of a deleted message", name)];
    if (mayHave("delete").length === 0) found.push(violation("deleted by nobody", name));
    if (updates.length === 0) found.push(violation("change not recorded", name));
    return found;
  }
  if (message.is_bot) {
    return updates.length === 0 ? [] : [violation("an answer that was edited", name)];
  }
  const numbers = [message.seq, ...updates.map(({ seq }) => seq)].sort((a, b) => a - b);
  const versions = message.versions.toSorted((a, b) => a.updated_seq - b.updated_seq);
  const found: Violation[] = [];
  if (numbers.join() !== versions.map(({ updated_seq }) => updated_seq).join()) {
    found.push(violation("versions other than the log", name));
  }
  const texts = new Set(mayHave("edit").map(({ content }) => content));
  if (versions.slice(1).some(({ content }) => !texts.has(content))) {
    found.push(violation("edited by nobody", name));
  }
  return found;
}
