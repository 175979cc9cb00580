// The people whom a message mentions: found before it is stored, and told of it afterwards.
import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import { findMentionable } from "../log/mention-queries.ts";
import { everyoneName, mentionsIn } from "../wire/mentions.ts";
import { mentionFrame } from "../wire/message-frames.ts";
import type { Message } from "../wire/messages.ts";

/** The people whom a text mentions. */
export interface Mentions {
  /** In the order of the text. */
  userIds: number[];
  /** The mentioned people who are not notified: they have blocked the author, or they and the author are bots. */
  quietIds: ReadonlySet<number>;
}

/** The author of a text. The account of an incoming webhook mentions people, and not everybody. */
export type Author = Pick<Caller, "id" | "grant"> & { readonly isHook?: true };

const nobody: Mentions = { userIds: [], quietIds: new Set() };

/**
 * Finds the people of a chat whom a text of the caller mentions, in the order of the text; of `@all`, everybody in the order of
 * their ids. A name that nobody in the chat has mentions nobody, whether or not somebody else has it. A text without an `@`
 * outside of code asks nothing of the database.
 * @throws Problem `rate_limited` for too many mentions of everybody in a large group
 */
export async function mentionsOf(
  ctx: Ctx,
  caller: Author,
  chatId: number,
  content: string,
): Promise<Mentions> {
  const written = mentionsIn(content);
  if (written.length === 0) return nobody;
  const names = written.flat();
  const people = await findMentionable(ctx.sql, caller.id, chatId, {
    names,
    everyone: !caller.isHook && names.includes(everyoneName),
  });
  const [first] = people;
  if (first?.everyone && first.is_large) {
    const { refusal } = await ctx.rateLimits.take("largeMentions", { userId: caller.id });
    if (refusal) throw refusal;
  }
  // A bot would take a mention for a question.
  const isByBot = caller.isHook || caller.grant?.isBot === true;
  const quiet = people.filter(
    (person) => person.blocks_author || (isByBot && person.is_bot_account),
  );
  const quietIds = new Set(quiet.map((person) => person.user_id));
  if (first?.everyone) {
    return { userIds: people.map((person) => person.user_id).toSorted((a, b) => a - b), quietIds };
  }
  const ids = new Map(people.map((person) => [person.name, person.user_id]));
  const mentioned = written.map((candidates) => {
    const name = candidates.find((candidate) => ids.has(candidate));
    return name === undefined ? undefined : ids.get(name);
  });
  return { userIds: [...new Set(mentioned.filter((id) => id !== undefined))], quietIds };
}

/**
 * Tells people that a stored message mentions them.
 * @param mentions those who were not told of it before
 * @param number the chat's number with which the message came to mention them
 */
export function tellMentioned(
  ctx: Ctx,
  message: Message,
  { userIds, quietIds }: Mentions,
  number: number,
): void {
  const told = userIds.filter((userId) => !quietIds.has(userId));
  if (told.length > 0) ctx.realtime.toUsers(told, mentionFrame(message), number);
}
