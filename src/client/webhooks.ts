// `gemini-coop/client/webhooks`: addresses that are told of events.
import type { CreatedWebhook, Delivery, UpdateWebhookInput, Webhook } from "../wire/webhooks.ts";
import type { Client } from "./client.ts";

export type { CreatedWebhook, Delivery, Webhook } from "../wire/webhooks.ts";

export interface NewWebhook {
  url: string;
  /** Events that the API documents, for chats and for people. */
  events: readonly string[];
  /** `whsec_…`; the server makes one unless said otherwise. */
  secret?: string;
}

export type Webhooks = ReturnType<typeof createWebhooks>;

/** The webhooks of a chat, for its owner, or those of the person. All functions throw ProblemError, with the codes that the API documents. */
export function createWebhooks({ call }: Pick<Client, "call">) {
  const one = (webhookId: number) => `/api/webhooks/${webhookId}`;
  const ofChat = (chatId: number) => `/api/chats/${chatId}/webhooks`;
  return {
    /** The webhooks of a chat, the oldest first. */
    listChatWebhooks: (chatId: number) => call<Webhook[]>("GET", ofChat(chatId)),
    /** Only the result has the secret. */
    createChatWebhook: (chatId: number, webhook: NewWebhook) =>
      call<CreatedWebhook>("POST", ofChat(chatId), webhook),
    /** The person's own webhooks, the oldest first. */
    listWebhooks: () => call<Webhook[]>("GET", "/api/webhooks"),
    /** Only the result has the secret. */
    createWebhook: (webhook: NewWebhook) => call<CreatedWebhook>("POST", "/api/webhooks", webhook),
    changeWebhook: (webhookId: number, change: UpdateWebhookInput) =>
      call<Webhook>("PATCH", one(webhookId), change),
    deleteWebhook: (webhookId: number) => call<{ message: string }>("DELETE", one(webhookId)),
    /** Sends a test event. {@link listDeliveries} tells what became of it. */
    testWebhook: (webhookId: number) => call<Delivery>("POST", `${one(webhookId)}/test`),
    /** For a day the secret before signs, too. */
    rotateSecret: (webhookId: number) =>
      call<CreatedWebhook>("POST", `${one(webhookId)}/secret`, {}),
    /** The latest 100, the latest first. */
    listDeliveries: (webhookId: number) => call<Delivery[]>("GET", `${one(webhookId)}/deliveries`),
    /** Sends a delivery once more, with the same `webhook-id`. */
    redeliver: (webhookId: number, deliveryId: number) =>
      call<Delivery>("POST", `${one(webhookId)}/deliveries/${deliveryId}/redeliver`),
  };
}
