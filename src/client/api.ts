// Every endpoint that needs a session, named as its operation in /openapi.json.
import type { Models } from "../wire/answers.ts";
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
import type { Confirmation, Ticket, User } from "../wire/users.ts";
import type { Method } from "./http.ts";
import type { z } from "zod";

/** What a request may leave out is left out; everything else is as the wire has it. */
export type NewChat = z.input<typeof CreateChatInput>;
export type ChatChange = z.input<typeof UpdateChatInput>;
type Defined = Record<string, string | number | undefined>;

export interface PageQuery {
  /** 1 to 200. Default: 50 */
  limit?: number | undefined;
  /** Only messages below this number, the newest of them. */
  before_seq?: number | undefined;
  /** Only messages above this number, the oldest of them. Not together with `before_seq`. */
  after_seq?: number | undefined;
}

/** Messages oldest first, and whether there are others on either side. */
export interface MessagePage {
  messages: Message[];
  hasOlder: boolean;
  hasNewer: boolean;
}

export type Call = <T>(
  method: Method,
  path: string,
  body?: unknown,
) => Promise<{ body: T; headers: Headers }>;

export type Api = ReturnType<typeof createApi>;

function queryOf(query: Defined): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return given.length > 0 ? `?${given.join("&")}` : "";
}

/** All of them throw ProblemError, with the codes that the API documents. */
export function createApi(call: Call) {
  const get = async <T>(path: string) => (await call<T>("GET", path)).body;
  const post = async <T>(path: string, body?: unknown) => (await call<T>("POST", path, body)).body;
  const chat = (chatId: number) => `/api/chats/${chatId}`;
  const message = (chatId: number, messageId: number) => `${chat(chatId)}/messages/${messageId}`;

  return {
    listModels: () => get<z.infer<typeof Models>>("/api/models"),
    getMe: () => get<User>("/api/auth/me"),
    /** For a socket of one's own: this client's needs none. */
    createSocketTicket: () => post<Ticket>("/api/auth/ws-ticket"),

    listChats: () => get<ChatSummary[]>("/api/chats"),
    createChat: (input: NewChat = {}) => post<Chat>("/api/chats", input),
    getChat: (chatId: number) => get<Chat>(chat(chatId)),
    changeChat: async (chatId: number, change: ChatChange) =>
      (await call<Chat>("PATCH", chat(chatId), change)).body,
    deleteChat: async (chatId: number) =>
      (await call<z.infer<typeof Confirmation>>("DELETE", chat(chatId))).body,
    leaveChat: (chatId: number) => post<z.infer<typeof Confirmation>>(`${chat(chatId)}/leave`),
    listParticipants: (chatId: number) => get<Participant[]>(`${chat(chatId)}/participants`),
    inviteToChat: (chatId: number, username: string) =>
      post<z.infer<typeof Invitation>>(`${chat(chatId)}/invite`, { username }),
    removeParticipant: async (chatId: number, userId: number) =>
      (await call<z.infer<typeof Confirmation>>("DELETE", `${chat(chatId)}/participants/${userId}`))
        .body,
    /** @param seq default: the newest */
    markRead: (chatId: number, seq?: number) =>
      post<z.infer<typeof ReadPosition>>(`${chat(chatId)}/mark-read`, { seq }),

    async listMessages(chatId: number, { limit, before_seq, after_seq }: PageQuery = {}) {
      const query = queryOf({ limit, before_seq, after_seq });
      const { body, headers } = await call<Message[]>("GET", `${chat(chatId)}/messages${query}`);
      const link = headers.get("link") ?? "";
      const page: MessagePage = {
        messages: body,
        hasOlder: link.includes('rel="prev"'),
        hasNewer: link.includes('rel="next"'),
      };
      return page;
    },
    /** Rooms send over the socket, and again until it is certain; this tries once. */
    sendMessage: (chatId: number, content: string, clientId?: string) =>
      post<Message>(`${chat(chatId)}/messages`, { content, client_id: clientId }),
    /** @returns the answer as it is kept */
    stopAnswer: (chatId: number, messageId: number) =>
      post<Message>(`${message(chatId, messageId)}/stop`),
    /** Asks the question of an answer again. @returns the new answer, which streams to the room */
    regenerateAnswer: (chatId: number, messageId: number) =>
      post<Message>(`${message(chatId, messageId)}/regenerate`),
  };
}
