// The checks of what an access key allows. Each request and each frame that has a token passes them once.
import { chatNotFoundDetail } from "../wire/chats.ts";
import { Problem } from "../wire/problems.ts";
import { personalFrameScopes, type Need, type PersonalFrame, type Scope } from "../wire/scopes.ts";
import type { Grant } from "./access-tokens.ts";

/** @throws Problem `insufficient_scope` for a key that does not have the scope, or an operation that takes no key */
export function checkScope(grant: Grant | undefined, need: Need): void {
  if (!grant) return;
  if (need === "session") {
    throw new Problem(
      "insufficient_scope",
      "An access key cannot do this. Sign in, and use the access token of your session.",
    );
  }
  if (!grant.scopes.has(need)) {
    throw new Problem(
      "insufficient_scope",
      `This access key does not have the scope ${need}. Create a key that has it.`,
    );
  }
}

/** @throws Problem `not_found`, as for a chat that does not exist, for a chat that the key may not be used in */
export function checkChat(grant: Grant | undefined, chatId: number): void {
  if (grant?.chatIds && !grant.chatIds.has(chatId))
    throw new Problem("not_found", chatNotFoundDetail);
}

/** Operations without a chat in their path that a key for some chats may use: their handlers leave other chats out. */
const narrowed = new Set(["GET /api/chats", "GET /api/search"]);

/** Operations that show nothing of any chat. */
const withoutChats: ReadonlySet<Need> = new Set<Scope>(["profile:read"]);

/**
 * Checks whether a key that is restricted to some chats may use an operation.
 * @param operation its method and path, such as `GET /api/chats/{chat_id}`
 * @param chatId the chat in the path; undefined if there is none
 * @throws Problem `not_found` for a chat that is not among the key's, `insufficient_scope` for an operation on all chats
 */
export function checkChats(
  grant: Grant | undefined,
  operation: string,
  { need, chatId }: { need: Need; chatId: number | undefined },
): void {
  // A chat id that is not a number is refused as invalid where the path is parsed.
  if (!grant?.chatIds || Number.isNaN(chatId)) return;
  if (chatId !== undefined) return checkChat(grant, chatId);
  if (narrowed.has(operation) || withoutChats.has(need)) return;
  throw new Problem(
    "insufficient_scope",
    "This access key may be used in some chats only, and this is not about one of them.",
  );
}

/** Whether a key may see a chat. */
export function allowsChat(grant: Grant | undefined, chatId: number): boolean {
  return grant?.chatIds?.has(chatId) ?? true;
}

/** Returns those of the chats whose activity a key may follow. The activity shows the chat, and the beginnings of its messages. */
export function allowedActivity(grant: Grant | undefined, chatIds: number[]): number[] {
  if (!grant) return chatIds;
  if (!hasScope(grant, "chats:read") || !hasScope(grant, "messages:read")) return [];
  return chatIds.filter((id) => allowsChat(grant, id));
}

/** Whether a key allows a frame that reaches all sockets of its account. @param chatId the chat that it is about, if any */
export function allowsFrame(
  grant: Grant | undefined,
  type: PersonalFrame["type"],
  chatId: number | undefined,
): boolean {
  if (!grant) return true;
  const scope = personalFrameScopes[type];
  if (chatId !== undefined && !allowsChat(grant, chatId)) return false;
  return scope !== null && grant.scopes.has(scope);
}

/** Whether a key has a scope; a person who is signed in has all of them. */
export function hasScope(grant: Grant | undefined, scope: Scope): boolean {
  return grant?.scopes.has(scope) ?? true;
}
