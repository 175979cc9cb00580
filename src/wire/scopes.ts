// The scopes of access keys, and the scope that each operation and each frame needs. An operation that is not listed here takes no
// key at all: keys manage neither sessions nor passwords nor other keys.
import { z } from "zod";
import type { ClientFrame } from "./client-frames.ts";
import type { UserFrame } from "./list-frames.ts";
import type { PeopleFrame } from "./people-frames.ts";

export const Scope = z
  .enum(["chats:read", "chats:write", "messages:read", "messages:write", "profile:read"])
  .meta({
    description:
      "`chats:read`: chats and their participants. `chats:write`: create, change, leave and delete chats, invite, move read positions. " +
      "`messages:read`: messages, answers, reactions and readers. `messages:write`: send, edit, delete, react, ask the model and stop " +
      "answers. `profile:read`: the account's own profile with its email, other profiles, and who is online.",
  });
export type Scope = z.infer<typeof Scope>;

/** `session`: only a person who is signed in may use the operation, and no key. */
export type Need = Scope | "session";

/** The need of every operation that takes a token, by method and path. */
export const operationNeeds: Readonly<Record<string, Need>> = {
  "GET /api/auth/me": "profile:read",
  "PATCH /api/auth/me": "session",
  "DELETE /api/auth/me": "session",
  "GET /api/auth/me/export": "session",
  "POST /api/auth/ws-ticket": "session",
  "POST /api/auth/password": "session",
  "POST /api/auth/email": "session",
  "POST /api/auth/totp": "session",
  "DELETE /api/auth/totp": "session",
  "POST /api/auth/totp/confirm": "session",
  "GET /api/auth/identities": "session",
  "POST /api/auth/identities/{identity}": "session",
  "DELETE /api/auth/identities/{identity}": "session",
  "GET /api/auth/sessions": "session",
  "DELETE /api/auth/sessions": "session",
  "DELETE /api/auth/sessions/{session_id}": "session",
  "POST /api/auth/keys": "session",
  "GET /api/auth/keys": "session",
  "DELETE /api/auth/keys/{key_id}": "session",
  "POST /api/bots": "session",
  "GET /api/bots": "session",
  "DELETE /api/bots/{bot_id}": "session",
  "POST /api/bots/{bot_id}/keys": "session",
  // A key that creates webhooks would read all messages without messages:read.
  "POST /api/chats/{chat_id}/webhooks": "session",
  "GET /api/chats/{chat_id}/webhooks": "session",
  "POST /api/webhooks": "session",
  "GET /api/webhooks": "session",
  "GET /api/webhooks/{webhook_id}": "session",
  "PATCH /api/webhooks/{webhook_id}": "session",
  "DELETE /api/webhooks/{webhook_id}": "session",
  "POST /api/webhooks/{webhook_id}/test": "session",
  "POST /api/webhooks/{webhook_id}/secret": "session",
  "GET /api/webhooks/{webhook_id}/deliveries": "session",
  "POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": "session",
  "POST /api/chats/{chat_id}/hooks": "session",
  "GET /api/chats/{chat_id}/hooks": "session",
  "DELETE /api/chats/{chat_id}/hooks/{hook_id}": "session",
  "GET /api/push/key": "session",
  "POST /api/push/subscriptions": "session",
  "GET /api/push/subscriptions": "session",
  "DELETE /api/push/subscriptions/{subscription_id}": "session",
  "PUT /api/auth/me/avatar": "session",
  "DELETE /api/auth/me/avatar": "session",
  "GET /api/users/{user_id}/avatar/{picture_id}": "profile:read",
  "PUT /api/chats/{chat_id}/picture": "chats:write",
  "DELETE /api/chats/{chat_id}/picture": "chats:write",
  "GET /api/chats/{chat_id}/picture/{picture_id}": "chats:read",
  "GET /api/users/search": "profile:read",
  "GET /api/users/blocked": "session",
  "GET /api/users/{user_id}": "profile:read",
  "PUT /api/users/{user_id}/block": "session",
  "DELETE /api/users/{user_id}/block": "session",
  "GET /api/chats": "chats:read",
  "POST /api/chats": "chats:write",
  "GET /api/chats/{chat_id}": "chats:read",
  "PATCH /api/chats/{chat_id}": "chats:write",
  "DELETE /api/chats/{chat_id}": "chats:write",
  "PUT /api/chats/{chat_id}/preferences": "chats:write",
  "GET /api/chats/{chat_id}/participants": "chats:read",
  "PATCH /api/chats/{chat_id}/participants/{user_id}": "chats:write",
  "DELETE /api/chats/{chat_id}/participants/{user_id}": "chats:write",
  "POST /api/chats/{chat_id}/invite": "chats:write",
  "POST /api/chats/{chat_id}/leave": "chats:write",
  "POST /api/chats/{chat_id}/mark-read": "chats:write",
  "GET /api/chats/{chat_id}/export": "messages:read",
  "GET /api/chats/{chat_id}/messages": "messages:read",
  "POST /api/chats/{chat_id}/messages": "messages:write",
  "GET /api/chats/{chat_id}/messages/{message_id}": "messages:read",
  "PATCH /api/chats/{chat_id}/messages/{message_id}": "messages:write",
  "DELETE /api/chats/{chat_id}/messages/{message_id}": "messages:write",
  "GET /api/chats/{chat_id}/messages/{message_id}/versions": "messages:read",
  "GET /api/chats/{chat_id}/messages/{message_id}/readers": "messages:read",
  "GET /api/chats/{chat_id}/messages/{message_id}/context": "messages:read",
  "POST /api/chats/{chat_id}/messages/{message_id}/stop": "messages:write",
  "POST /api/chats/{chat_id}/messages/{message_id}/regenerate": "messages:write",
  "POST /api/chats/{chat_id}/messages/{message_id}/report": "messages:write",
  "PUT /api/chats/{chat_id}/messages/{message_id}/reactions/{emoji}": "messages:write",
  "DELETE /api/chats/{chat_id}/messages/{message_id}/reactions/{emoji}": "messages:write",
  "POST /api/chats/{chat_id}/attachments": "messages:write",
  "GET /api/chats/{chat_id}/attachments": "messages:read",
  "GET /api/chats/{chat_id}/attachments/{attachment_id}": "messages:read",
  "DELETE /api/chats/{chat_id}/attachments/{attachment_id}": "messages:write",
  "GET /api/chats/{chat_id}/attachments/{attachment_id}/thumbnails/{width}": "messages:read",
  "POST /api/chats/{chat_id}/attachments/{attachment_id}/ticket": "messages:read",
  "POST /api/chats/{chat_id}/attachments/uploads": "messages:write",
  "GET /api/chats/{chat_id}/attachments/uploads/{upload_id}": "messages:write",
  "PUT /api/chats/{chat_id}/attachments/uploads/{upload_id}": "messages:write",
  "DELETE /api/chats/{chat_id}/attachments/uploads/{upload_id}": "messages:write",
  "POST /api/chats/{chat_id}/attachments/uploads/{upload_id}/complete": "messages:write",
  "GET /api/chats/{chat_id}/read-receipts": "messages:read",
  "GET /api/chats/{chat_id}/reports": "messages:read",
  "POST /api/chats/{chat_id}/reports/{report_id}/resolve": "chats:write",
  "GET /api/search": "messages:read",
  "GET /api/usage": "profile:read",
  "GET /api/models": "chats:read",
};

/** The scope that a frame of a client needs; null: any key may send it. */
export const clientFrameScopes: Readonly<Record<ClientFrame["type"], Scope | null>> = {
  auth: null,
  ping: null,
  leave: null,
  presence: null,
  join: "messages:read",
  message: "messages:write",
  edit: "messages:write",
  delete: "messages:write",
  react: "messages:write",
  typing: "messages:write",
  stop: "messages:write",
  read: "chats:write",
  watch_presence: "profile:read",
};

/** Frames to all sockets of a person, whatever they have joined. */
export type PersonalFrame = UserFrame | PeopleFrame;

/** The scope without which a socket is not sent such a frame; null: no key's socket is. */
export const personalFrameScopes: Readonly<Record<PersonalFrame["type"], Scope | null>> = {
  chat_created: "chats:read",
  chat_invite: "chats:read",
  chat_deleted: "chats:read",
  removed_from_chat: "chats:read",
  preferences: "chats:read",
  read: "chats:read",
  mention: "messages:read",
  report: "messages:read",
  user_updated: "profile:read",
  blocked_people: null,
};
