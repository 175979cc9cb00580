// The endpoints that need a session, under the names of their operations in /openapi.json.
import type { AnswerContext, Models, UsageReport } from "../wire/answers.ts";
import type {
  Chat,
  ChatSummary,
  CreateChatInput,
  Invitation,
  Participant,
  ReadPosition,
  UpdateChatInput,
} from "../wire/chats.ts";
import type { Message, Reactions } from "../wire/messages.ts";
import type { Confirmation, Ticket } from "../wire/users.ts";
import type { Method } from "./http.ts";
import type { z } from "zod";

/** Members that have a default may be left out. */
export type NewChat = z.input<typeof CreateChatInput>;
export type ChatChange = z.input<typeof UpdateChatInput>;

export interface PageQuery {
  /** 1 to 200. Default: 50 */
  limit?: number | undefined;
  /** Selects the newest messages below this number. */
  before_seq?: number | undefined;
  /** Selects the oldest messages above this number. Not to be combined with `before_seq`. */
  after_seq?: number | undefined;
}

export type Call = <T>(method: Method, path: string, body?: unknown) => Promise<T>;

export type Api = ReturnType<typeof createApi>;

function queryOf(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return `?${given.map((pair) => pair.join("=")).join("&")}`;
}

/** All functions throw ProblemError, with the codes that the API documents. */
export function createApi(call: Call) {
  const get = <T>(path: string) => call<T>("GET", path);
  const post = <T>(path: string, body?: unknown) => call<T>("POST", path, body);
  const chat = (chatId: number) => `/api/chats/${chatId}`;
  const message = (chatId: number, messageId: number) => `${chat(chatId)}/messages/${messageId}`;

  return {
    /** A ticket for a socket that the application opens itself; this client does not need one. */
    createSocketTicket: () => post<Ticket>("/api/auth/ws-ticket"),

    listChats: () => get<ChatSummary[]>("/api/chats"),
    createChat: (input: NewChat = {}) => post<Chat>("/api/chats", input),
    getChat: (chatId: number) => get<Chat>(chat(chatId)),
    changeChat: (chatId: number, change: ChatChange) => call<Chat>("PATCH", chat(chatId), change),
    deleteChat: (chatId: number) => call<z.infer<typeof Confirmation>>("DELETE", chat(chatId)),
    leaveChat: (chatId: number) => post<z.infer<typeof Confirmation>>(`${chat(chatId)}/leave`),
    listParticipants: (chatId: number) => get<Participant[]>(`${chat(chatId)}/participants`),
    inviteToChat: (chatId: number, username: string) =>
      post<z.infer<typeof Invitation>>(`${chat(chatId)}/invite`, { username }),
    removeParticipant: (chatId: number, userId: number) =>
      call<z.infer<typeof Confirmation>>("DELETE", `${chat(chatId)}/participants/${userId}`),
    /** @param seq default: the number of the newest message */
    markRead: (chatId: number, seq?: number) =>
      post<z.infer<typeof ReadPosition>>(`${chat(chatId)}/mark-read`, { seq }),

    /** Messages in ascending order; without a cursor, the newest ones. */
    listMessages: (chatId: number, query: PageQuery = {}) =>
      get<Message[]>(`${chat(chatId)}/messages${queryOf(query)}`),
    /** Sends a message once. `room.send` in contrast repeats it until the server has acknowledged it. */
    sendMessage: (chatId: number, content: string, clientId?: string) =>
      post<Message>(`${chat(chatId)}/messages`, { content, client_id: clientId }),
    /** @param ifSeq refuses the edit as `changed_meanwhile` if the message's `updated_seq` is another number */
    editMessage: (chatId: number, messageId: number, content: string, ifSeq?: number) =>
      call<Message>("PATCH", message(chatId, messageId), { content, if_seq: ifSeq }),
    /** @returns what stays of the message */
    deleteMessage: (chatId: number, messageId: number) =>
      call<Message>("DELETE", message(chatId, messageId)),
    /** @param on false takes the reaction back */
    react: (chatId: number, messageId: number, emoji: string, on: boolean) =>
      call<z.infer<typeof Reactions>>(
        on ? "PUT" : "DELETE",
        `${message(chatId, messageId)}/reactions/${encodeURIComponent(emoji)}`,
      ),

    /** @returns the answer as it is stored */
    stopAnswer: (chatId: number, messageId: number) =>
      post<Message>(`${message(chatId, messageId)}/stop`),
    /** Asks the question of an answer again. @returns the new answer, which streams to the room */
    regenerateAnswer: (chatId: number, messageId: number) =>
      post<Message>(`${message(chatId, messageId)}/regenerate`),
    /** The messages, model and settings from which an answer was made. */
    getAnswerContext: (chatId: number, messageId: number) =>
      get<AnswerContext>(`${message(chatId, messageId)}/context`),

    /** The tokens that the caller's answers, and answers in the caller's chats, have used. @param days 1 to 90; default: 30 */
    getUsage: (days?: number) => get<UsageReport>(`/api/usage${queryOf({ days })}`),
    /** The models that a chat may use. */
    listModels: () => get<z.infer<typeof Models>>("/api/models"),
  };
}
