// Every endpoint that needs a session, named as its operation in /openapi.json.
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
import type { Message } from "../wire/messages.ts";
import type { Confirmation, Ticket } from "../wire/users.ts";
import type { Method } from "./http.ts";
import type { z } from "zod";

/** What a request may leave out is left out; everything else is as the wire has it. */
export type NewChat = z.input<typeof CreateChatInput>;
export type ChatChange = z.input<typeof UpdateChatInput>;

export interface PageQuery {
  /** 1 to 200. Default: 50 */
  limit?: number | undefined;
  /** Only messages below this number, the newest of them. */
  before_seq?: number | undefined;
  /** Only messages above this number, the oldest of them. Not together with `before_seq`. */
  after_seq?: number | undefined;
}

export type Call = <T>(method: Method, path: string, body?: unknown) => Promise<T>;

export type Api = ReturnType<typeof createApi>;

function queryOf(query: Record<string, number | undefined>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return `?${given.map((pair) => pair.join("=")).join("&")}`;
}

/** All of them throw ProblemError, with the codes that the API documents. */
export function createApi(call: Call) {
  const get = <T>(path: string) => call<T>("GET", path);
  const post = <T>(path: string, body?: unknown) => call<T>("POST", path, body);
  const chat = (chatId: number) => `/api/chats/${chatId}`;
  const message = (chatId: number, messageId: number) => `${chat(chatId)}/messages/${messageId}`;

  return {
    /** For a socket of one's own: this client's needs none. */
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
    /** @param seq default: the newest */
    markRead: (chatId: number, seq?: number) =>
      post<z.infer<typeof ReadPosition>>(`${chat(chatId)}/mark-read`, { seq }),

    /** Oldest first. Without a cursor the newest. */
    listMessages: (chatId: number, query: PageQuery = {}) =>
      get<Message[]>(`${chat(chatId)}/messages${queryOf({ ...query })}`),
    /** Rooms send over the socket, and again until it is certain; this tries once. */
    sendMessage: (chatId: number, content: string, clientId?: string) =>
      post<Message>(`${chat(chatId)}/messages`, { content, client_id: clientId }),
    /** @returns the answer as it is kept */
    stopAnswer: (chatId: number, messageId: number) =>
      post<Message>(`${message(chatId, messageId)}/stop`),
    /** Asks the question of an answer again. @returns the new answer, which streams to the room */
    regenerateAnswer: (chatId: number, messageId: number) =>
      post<Message>(`${message(chatId, messageId)}/regenerate`),
    /** What an answer was made from. */
    getAnswerContext: (chatId: number, messageId: number) =>
      get<AnswerContext>(`${message(chatId, messageId)}/context`),

    /** What one's own answers cost, and those in one's own chats. @param days 1 to 90; default: 30 */
    getUsage: (days?: number) => get<UsageReport>(`/api/usage${queryOf({ days })}`),
    /** The models that a chat may be set to. */
    listModels: () => get<z.infer<typeof Models>>("/api/models"),
  };
}
