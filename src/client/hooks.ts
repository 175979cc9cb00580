// `gemini-coop/client/hooks`: incoming webhooks, by which other services post into a chat.
import type { CreatedIncomingWebhook, IncomingWebhook } from "../wire/incoming-webhooks.ts";
import type { Client } from "./client.ts";

export type { CreatedIncomingWebhook, IncomingWebhook } from "../wire/incoming-webhooks.ts";

export type Hooks = ReturnType<typeof createHooks>;

/** For the owner of a chat. All functions throw ProblemError, with the codes that the API documents. */
export function createHooks({ call }: Pick<Client, "call">) {
  const hooks = (chatId: number) => `/api/chats/${chatId}/hooks`;
  return {
    /** The incoming webhooks of a chat, the latest first. */
    listHooks: (chatId: number) => call<IncomingWebhook[]>("GET", hooks(chatId)),
    /** Only the result has the address, which is a secret. */
    createHook: (chatId: number, name: string) =>
      call<CreatedIncomingWebhook>("POST", hooks(chatId), { name }),
    revokeHook: (chatId: number, hookId: number) =>
      call<{ message: string }>("DELETE", `${hooks(chatId)}/${hookId}`),
  };
}
