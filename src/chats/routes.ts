import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { countIn, limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { signedIn } from "../accounts/signed-in.ts";
import {
  Chat,
  ChatPath,
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
    "A private chat (`is_group: false`) holds two people at most, and two people have one: if it exists, it is returned " +
    "as it is, and whatever else the request says is ignored. After one of the two has left or was removed, the next " +
    "request opens a new one; the old one stays with the person who is in it. In an AI chat (`is_ai_chat: true`) every " +
    "message asks the model, which has greeted everyone there; people may have any number of those.",
  security,
  request: { body: takes(CreateChatInput) },
  responses: {
    200: answers(Chat, "The new chat, or the private chat that the two people have already"),
    ...refuses(...badBody, "invalid_token", "not_found", "chat_full", "too_many_chats"),
  },
});

const listChatsRoute = createRoute({
  method: "get",
  path: "/api/chats",
  operationId: "listChats",
  tags,
  summary: "My chats, newest activity first",
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
  summary: "One chat",
  security,
  request: { params: ChatPath },
  responses: { 200: answers(Chat, "The chat"), ...refuses(...inChat) },
});

const changeChatRoute = createRoute({
  method: "patch",
  path: "/api/chats/{chat_id}",
  operationId: "changeChat",
  tags,
  summary: "Rename a chat, hand it over, or set how the model answers (owner)",
  description:
    "Of `settings` only the members that are there change; null puts one back to the server's choice. The name under " +
    "which the caller sees the chat already changes nothing.",
  security,
  request: { params: ChatPath, body: takes(UpdateChatInput) },
  responses: {
    200: answers(Chat, "The chat as it is now"),
    ...refuses(...badBody, "invalid_token", "not_found", "forbidden"),
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
  summary: "Who is in a chat",
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
  summary: "Invite somebody",
  description:
    "Any participant may. Somebody who is there already: a success that changes nothing.",
  security,
  request: { params: ChatPath, body: takes(InviteInput) },
  responses: {
    200: answers(Invitation, "The participant"),
    ...refuses(...badBody, "invalid_token", "not_found", "chat_full", "too_many_chats"),
  },
});

const leaveRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/leave",
  operationId: "leaveChat",
  tags,
  summary: "Leave a chat",
  description: "The owner cannot: delete the chat, or hand it over first.",
  security,
  request: { params: ChatPath },
  responses: {
    200: answers(Confirmation, "The caller is out"),
    ...refuses(...inChat, "owner_cannot_leave"),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/api/chats/{chat_id}/participants/{user_id}",
  operationId: "removeParticipant",
  tags,
  summary: "Remove somebody (owner)",
  security,
  request: { params: ParticipantPath },
  responses: {
    200: answers(Confirmation, "The person is out"),
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
      c.json(await listChats(ctx, c.get("caller")), 200),
    )
    .openapi({ ...getChatRoute, middleware }, async (c) =>
      c.json(await getChat(ctx, c.get("caller"), c.req.valid("param").chat_id), 200),
    )
    .openapi({ ...changeChatRoute, middleware }, async (c) => {
      const { chat_id } = c.req.valid("param");
      return c.json(await changeChat(ctx, c.get("caller"), chat_id, c.req.valid("json")), 200);
    })
    .openapi({ ...deleteChatRoute, middleware }, async (c) => {
      await endChat(ctx, c.get("caller"), c.req.valid("param").chat_id);
      return c.json({ message: "The chat was deleted." }, 200);
    })
    .openapi({ ...participantsRoute, middleware }, async (c) =>
      c.json(await listParticipants(ctx, c.get("caller"), c.req.valid("param").chat_id), 200),
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
