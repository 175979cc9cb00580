import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { longJson } from "../http/long-json.ts";
import { countIn, limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { signedIn } from "../accounts/signed-in.ts";
import {
  Chat,
  ChatPath,
  ChatPreferencesInput,
  ChatSummary,
  CreateChatInput,
  Invitation,
  InviteInput,
  Participant,
  ParticipantPath,
  UpdateChatInput,
} from "../wire/chats.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { Confirmation } from "../wire/users.ts";
import { changePreferences } from "./preferences.ts";
import { changeChat, createChat, endChat, getChat, listChats } from "./actions.ts";
import {
  inviteToChat,
  leaveChat,
  listParticipants,
  removeParticipant,
} from "./participant-actions.ts";

const tags = ["Chats"];
const security = bearer;
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;
const inChat = ["invalid_token", "not_found", "invalid"] as const;

const createChatRoute = createRoute({
  method: "post",
  path: "/api/chats",
  operationId: "createChat",
  tags,
  summary: "Open a chat",
  description:
    "A private chat (`is_group: false`) holds at most two people, and two people have only one. If it exists, it is " +
    "returned unchanged, and the other members of the request are ignored. After one of the two has left or was removed, " +
    "the next request opens a new chat; the old one stays with the person who is in it. In an AI chat (`is_ai_chat: true`) " +
    "every message asks the model, and the model's greeting is the first message. People may have any number of AI chats.",
  security,
  request: { body: takes(CreateChatInput) },
  responses: {
    200: answers(Chat, "The new chat, or the private chat that the two people have already"),
    ...refuses(
      ...badBody,
      "invalid_token",
      "not_found",
      "chat_full",
      "too_many_chats",
      "person_blocked",
    ),
  },
});

const listChatsRoute = createRoute({
  method: "get",
  path: "/api/chats",
  operationId: "listChats",
  tags,
  summary: "List my chats, newest activity first",
  security,
  responses: {
    200: answers(z.array(ChatSummary), "The caller's chats"),
    ...refuses("invalid_token"),
  },
});

const getChatRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}",
  operationId: "getChat",
  tags,
  summary: "Get a chat",
  security,
  request: { params: ChatPath },
  responses: { 200: answers(Chat, "The chat"), ...refuses(...inChat) },
});

const changeChatRoute = createRoute({
  method: "patch",
  path: "/api/chats/{chat_id}",
  operationId: "changeChat",
  tags,
  summary: "Rename a chat, transfer it, or change the model's settings (owner)",
  description:
    "Absent members of `settings` stay as they are; null resets a member to the server's default. The name that the " +
    "caller is shown already changes nothing.",
  security,
  request: { params: ChatPath, body: takes(UpdateChatInput) },
  responses: {
    200: answers(Chat, "The changed chat"),
    ...refuses(...badBody, "invalid_token", "not_found", "forbidden"),
  },
});

const preferencesRoute = createRoute({
  method: "put",
  path: "/api/chats/{chat_id}/preferences",
  operationId: "changeChatPreferences",
  tags,
  summary: "Mute or pin a chat, for myself only",
  description:
    "The list of chats stays in the order of activity: clients show pinned chats first. Muting changes nothing of what the " +
    "server sends to sockets. The caller's other clients receive a `preferences` frame. Somebody who leaves the chat and comes back starts " +
    "without preferences.",
  security,
  request: { params: ChatPath, body: takes(ChatPreferencesInput) },
  responses: {
    200: answers(ChatSummary, "The chat as it is in the caller's list"),
    ...refuses(...badBody, "invalid_token", "not_found"),
  },
});

const deleteChatRoute = createRoute({
  method: "delete",
  path: "/api/chats/{chat_id}",
  operationId: "deleteChat",
  tags,
  summary: "Delete a chat with all its messages (owner)",
  security,
  request: { params: ChatPath },
  responses: { 200: answers(Confirmation, "The chat is gone"), ...refuses(...inChat, "forbidden") },
});

const participantsRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/participants",
  operationId: "listParticipants",
  tags,
  summary: "List the participants of a chat",
  security,
  request: { params: ChatPath },
  responses: {
    200: answers(z.array(Participant), "The chat's participants"),
    ...refuses(...inChat),
  },
});

const inviteRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/invite",
  operationId: "inviteToChat",
  tags,
  summary: "Add a person to a chat",
  description:
    "Any participant may invite. Inviting somebody who is a participant already succeeds and changes nothing.",
  security,
  request: { params: ChatPath, body: takes(InviteInput) },
  responses: {
    200: answers(Invitation, "The participant"),
    ...refuses(
      ...badBody,
      "invalid_token",
      "not_found",
      "chat_full",
      "too_many_chats",
      "person_blocked",
    ),
  },
});

const leaveRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/leave",
  operationId: "leaveChat",
  tags,
  summary: "Leave a chat",
  description: "The owner cannot leave: delete the chat, or transfer it first.",
  security,
  request: { params: ChatPath },
  responses: {
    200: answers(Confirmation, "The caller has left the chat"),
    ...refuses(...inChat, "owner_cannot_leave"),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/api/chats/{chat_id}/participants/{user_id}",
  operationId: "removeParticipant",
  tags,
  summary: "Remove a participant (owner, moderators)",
  description: "The owner may remove everybody else, and a moderator may remove members.",
  security,
  request: { params: ParticipantPath },
  responses: {
    200: answers(Confirmation, "The person was removed"),
    ...refuses(...inChat, "forbidden", "owner_cannot_leave"),
  },
});

export function chatRoutes(ctx: Ctx) {
  const app = createRouter();
  const middleware = signedIn(ctx);
  return app
    .openapi({ ...createChatRoute, middleware }, async (c) => {
      const input = c.req.valid("json");
      await countIn(ctx, c, "invites", input.participant_usernames?.length ?? 0);
      return c.json(await createChat(ctx, c.get("caller"), input), 200);
    })
    .openapi({ ...listChatsRoute, middleware }, async (c) =>
      longJson(c, await listChats(ctx, c.get("caller"))),
    )
    .openapi({ ...getChatRoute, middleware }, async (c) =>
      c.json(await getChat(ctx, c.get("caller"), c.req.valid("param").chat_id), 200),
    )
    .openapi({ ...changeChatRoute, middleware }, async (c) => {
      const { chat_id } = c.req.valid("param");
      return c.json(await changeChat(ctx, c.get("caller"), chat_id, c.req.valid("json")), 200);
    })
    .openapi(
      { ...preferencesRoute, middleware: [middleware, limit(ctx, "settings")] as const },
      async (c) => {
        const { chat_id } = c.req.valid("param");
        const input = c.req.valid("json");
        const summary = await changePreferences(ctx, c.get("caller"), chat_id, input);
        return c.json(summary, 200);
      },
    )
    .openapi({ ...deleteChatRoute, middleware }, async (c) => {
      await endChat(ctx, c.get("caller"), c.req.valid("param").chat_id);
      return c.json({ message: "The chat was deleted." }, 200);
    })
    .openapi({ ...participantsRoute, middleware }, async (c) =>
      longJson(c, await listParticipants(ctx, c.get("caller"), c.req.valid("param").chat_id)),
    )
    .openapi(
      { ...inviteRoute, middleware: [middleware, limit(ctx, "invites")] as const },
      async (c) => {
        const { chat_id } = c.req.valid("param");
        const { username } = c.req.valid("json");
        return c.json(await inviteToChat(ctx, c.get("caller"), chat_id, username), 200);
      },
    )
    .openapi({ ...leaveRoute, middleware }, async (c) => {
      await leaveChat(ctx, c.get("caller"), c.req.valid("param").chat_id);
      return c.json({ message: "You left the chat." }, 200);
    })
    .openapi({ ...removeRoute, middleware }, async (c) => {
      const { chat_id, user_id } = c.req.valid("param");
      await removeParticipant(ctx, c.get("caller"), chat_id, user_id);
      return c.json({ message: "The participant was removed." }, 200);
    });
}
