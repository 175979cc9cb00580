// `gemini-coop/client/details`: endpoints that show a message more closely, and the settings of a person.
import type { ChatPreferencesInput, ChatSummary } from "../wire/chats.ts";
import type { Message, MessageVersion } from "../wire/messages.ts";
import type { Reader, ReadReceipts } from "../wire/receipts.ts";
import type { Confirmation, Session, UpdateMeInput, User } from "../wire/users.ts";
import type { Client } from "./client.ts";
import type { z } from "zod";

export type { MessageVersion } from "../wire/messages.ts";
export type { Reader } from "../wire/receipts.ts";
export type { Session } from "../wire/users.ts";

type Told = z.infer<typeof Confirmation>;

export type Details = ReturnType<typeof createDetails>;

/** All functions throw ProblemError, with the codes that the API documents. */
export function createDetails({ call }: Pick<Client, "call">) {
  const chat = (chatId: number) => `/api/chats/${chatId}`;
  const message = (chatId: number, messageId: number) => `${chat(chatId)}/messages/${messageId}`;

  return {
    getMessage: (chatId: number, messageId: number) =>
      call<Message>("GET", message(chatId, messageId)),
    /** The contents that a message has had, oldest first. */
    listVersions: (chatId: number, messageId: number) =>
      call<MessageVersion[]>("GET", `${message(chatId, messageId)}/versions`),
    /** The people who have read a message, and when. */
    listReaders: (chatId: number, messageId: number) =>
      call<Reader[]>("GET", `${message(chatId, messageId)}/readers`),
    /** The readers of the newest messages, by message id. */
    listReadReceipts: (chatId: number) =>
      call<z.infer<typeof ReadReceipts>>("GET", `${chat(chatId)}/read-receipts`),
    /** Mutes and pins a chat in the person's own list. */
    changeChatPreferences: (chatId: number, preferences: z.input<typeof ChatPreferencesInput>) =>
      call<ChatSummary>("PUT", `${chat(chatId)}/preferences`, preferences),
    /** Changes the profile and the settings of the person who is signed in. */
    changeMe: (settings: z.input<typeof UpdateMeInput>) =>
      call<User>("PATCH", "/api/auth/me", settings),
    /** Ends all other sessions of the person. @param current null for an account without a password */
    changePassword: (current: string | null, next: string) =>
      call<Told>("POST", "/api/auth/password", { current_password: current, new_password: next }),
    listSessions: () => call<Session[]>("GET", "/api/auth/sessions"),
    endSession: (sessionId: string) => call<Told>("DELETE", `/api/auth/sessions/${sessionId}`),
    endOtherSessions: () => call<Told>("DELETE", "/api/auth/sessions"),
  };
}
