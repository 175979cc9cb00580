import type { Api } from "./api.ts";

export const pageSize = 50;
const reloadMax = 150;

/** Requests one message more than `limit`, which shows whether there are older ones. @param limit at most 199 */
export async function loadPage(
  api: Pick<Api, "listMessages">,
  chatId: number,
  limit: number,
  before_seq?: number,
) {
  const messages = await api.listMessages(chatId, { limit: limit + 1, before_seq });
  return { messages: messages.slice(-limit), hasOlder: messages.length > limit };
}

/** Loads a room over HTTP, with about as many of the newest messages as it shows: 50 to 150. */
export async function loadRoom(
  api: Pick<Api, "getChat" | "listParticipants" | "listMessages">,
  chatId: number,
  shown: number,
) {
  const limit = Math.min(Math.max(shown, pageSize), reloadMax);
  const [chat, participants, page] = await Promise.all([
    api.getChat(chatId),
    api.listParticipants(chatId),
    loadPage(api, chatId, limit),
  ]);
  return { chat, participants, ...page };
}
