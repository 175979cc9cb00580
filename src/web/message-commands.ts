import type { Attachment } from "../client/attachments.ts";
import type { Message } from "../wire/messages.ts";

/** The commands that a person may give for a message. Each shows its own refusal. */
export interface MessageCommands {
  stop(messageId: number): Promise<unknown>;
  askAgain(messageId: number): Promise<unknown>;
  reply(message: Message): void;
  edit(message: Message): void;
  /** Deletes a message after some seconds, in which `keep` takes it back. */
  delete(message: Message): void;
  keep(messageId: number): void;
  react(message: Message, emoji: string, on: boolean): void;
  /** Scrolls to a message and gives it the focus. */
  goTo(messageId: number): void;
  showVersions(message: Message): void;
  /** Shows a picture over the page. */
  showPicture(picture: Attachment): void;
  /** Asks for a reason, and reports the message to those who moderate the chat. */
  report(message: Message): void;
}

/** Whether the person may report a message: that of somebody else which is not deleted. */
export function mayReport(message: Message, ownId: number): boolean {
  return message.user_id !== ownId && message.deleted_at === null;
}

/** The server decides; this decides what is offered. */
export function mayEdit(message: Message, ownId: number): boolean {
  return !message.is_bot && message.user_id === ownId && message.deleted_at === null;
}

/**
 * Whether the person may delete a message: the author and the chat's owner may, the person who asked may delete an answer, and a
 * moderator all but the owner's and the answers to the owner.
 * @param question the question of an answer, if it is loaded
 */
export function mayDelete(
  message: Message,
  question: Message | undefined,
  ownId: number,
  { ownerId, isModerator }: { ownerId: number | undefined; isModerator: boolean },
): boolean {
  if (message.deleted_at !== null) return false;
  const author = message.is_bot ? question?.user_id : message.user_id;
  if (ownerId === ownId || author === ownId) return true;
  // The question of an answer may not be loaded: the server decides.
  return isModerator && author !== ownerId;
}
