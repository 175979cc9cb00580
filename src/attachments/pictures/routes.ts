import { createRoute } from "@hono/zod-openapi";
import { signedIn } from "../../accounts/signed-in.ts";
import type { Ctx } from "../../context.ts";
import { limit } from "../../http/rate-limits.ts";
import { createRouter } from "../../http/router.ts";
import { Chat, ChatPath } from "../../wire/chats.ts";
import { answers, bearer, refuses } from "../../wire/openapi.ts";
import { AvatarPath, ChatPicturePath, PictureQuery } from "../../wire/pictures.ts";
import { User } from "../../wire/users.ts";
import { deleteAvatar, deleteChatPicture, readAvatar, readChatPicture } from "./pictures.ts";

const security = bearer;
const headers = {
  "Content-Type": "image/webp",
  // The address changes with the picture.
  "Cache-Control": "private, max-age=31536000, immutable",
  "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Content-Disposition": 'inline; filename="picture.webp"',
} as const;
const picture = {
  description: "The picture",
  content: { "image/webp": { schema: { type: "string", format: "binary" } } },
  headers: {
    "Cache-Control": { description: "It may be kept for a year", schema: { type: "string" } },
    "Content-Disposition": { description: "`inline`, and a name", schema: { type: "string" } },
  },
} as const;

const deleteAvatarRoute = createRoute({
  method: "delete",
  path: "/api/auth/me/avatar",
  operationId: "deleteAvatar",
  tags: ["Authentication"],
  summary: "Remove my picture",
  description: "A success that changes nothing for somebody without a picture.",
  security,
  responses: { 200: answers(User, "The caller"), ...refuses("invalid_token") },
});

const avatarRoute = createRoute({
  method: "get",
  path: "/api/users/{user_id}/avatar/{picture_id}",
  operationId: "getAvatar",
  tags: ["People"],
  summary: "Download a person's picture",
  description:
    "The address is `avatar_url` of the person. Whoever may see the person's profile may see the picture. A picture that was replaced is gone.",
  security,
  request: { params: AvatarPath, query: PictureQuery },
  responses: { 200: picture, ...refuses("invalid_token", "not_found", "invalid") },
});

const deleteChatPictureRoute = createRoute({
  method: "delete",
  path: "/api/chats/{chat_id}/picture",
  operationId: "deleteChatPicture",
  tags: ["Chats"],
  summary: "Remove the picture of a chat (owner)",
  description: "A success that changes nothing for a chat without a picture.",
  security,
  request: { params: ChatPath },
  responses: {
    200: answers(Chat, "The chat"),
    ...refuses("invalid_token", "not_found", "invalid", "forbidden"),
  },
});

const chatPictureRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/picture/{picture_id}",
  operationId: "getChatPicture",
  tags: ["Chats"],
  summary: "Download the picture of a chat",
  description: "The address is `picture_url` of the chat. A picture that was replaced is gone.",
  security,
  request: { params: ChatPicturePath, query: PictureQuery },
  responses: { 200: picture, ...refuses("invalid_token", "not_found", "invalid") },
});

export function pictureRoutes(ctx: Ctx) {
  const app = createRouter();
  const isSignedIn = signedIn(ctx);
  const isLimited = limit(ctx, "pictures");
  return app
    .openapi({ ...deleteAvatarRoute, middleware: [isSignedIn, isLimited] as const }, async (c) =>
      c.json(await deleteAvatar(ctx, c.get("caller")), 200),
    )
    .openapi({ ...avatarRoute, middleware: isSignedIn }, async (c) => {
      const { user_id: userId, picture_id: pictureId } = c.req.valid("param");
      const { size = 256 } = c.req.valid("query");
      const bytes = await readAvatar(ctx, c.get("caller"), { userId, pictureId, size });
      return c.body(bytes, 200, headers);
    })
    .openapi(
      { ...deleteChatPictureRoute, middleware: [isSignedIn, isLimited] as const },
      async (c) =>
        c.json(await deleteChatPicture(ctx, c.get("caller"), c.req.valid("param").chat_id), 200),
    )
    .openapi({ ...chatPictureRoute, middleware: isSignedIn }, async (c) => {
      const { chat_id: chatId, picture_id: pictureId } = c.req.valid("param");
      const { size = 256 } = c.req.valid("query");
      const bytes = await readChatPicture(ctx, c.get("caller"), { chatId, pictureId, size });
      return c.body(bytes, 200, headers);
    });
}
