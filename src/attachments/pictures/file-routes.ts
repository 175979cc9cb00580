// The endpoints whose bodies are pictures. They come before the limits of JSON bodies.
import { createRoute } from "@hono/zod-openapi";
import { signedIn } from "../../accounts/signed-in.ts";
import type { Ctx } from "../../context.ts";
import { limit } from "../../http/rate-limits.ts";
import { createRouter } from "../../http/router.ts";
import { Chat, ChatPath } from "../../wire/chats.ts";
import { answers, bearer, refuses } from "../../wire/openapi.ts";
import { pictureBytesMax } from "../../wire/pictures.ts";
import { User } from "../../wire/users.ts";
import { bodyOf } from "../../http/file-body.ts";
import type { Uploads } from "../uploads.ts";
import { putAvatar, putChatPicture } from "./pictures.ts";

const security = bearer;
const bytes = { schema: { type: "string", format: "binary" } } as const;
const body = {
  required: true,
  content: { "application/octet-stream": bytes, "multipart/form-data": bytes },
} as const;
const about =
  `The body is a JPEG, PNG, WebP or GIF image of at most ${pictureBytesMax / 1024 ** 2} MB, or a form whose first file is taken. The ` +
  "server turns it upright, removes its metadata, and keeps the square in its middle as WebP of 64 and of 256 pixels.";
const refusals = [
  "bad_request",
  "invalid_token",
  "too_large",
  "unsupported_media_type",
  "invalid",
  "infected",
  "store_full",
] as const;

const putAvatarRoute = createRoute({
  method: "put",
  path: "/api/auth/me/avatar",
  operationId: "putAvatar",
  tags: ["Authentication"],
  summary: "Set my picture",
  description: `${about} Everybody who may see the caller's profile may see it; the people in their chats are sent \`user_updated\`.`,
  security,
  request: { body },
  responses: { 200: answers(User, "The caller with the new picture"), ...refuses(...refusals) },
});

const putChatPictureRoute = createRoute({
  method: "put",
  path: "/api/chats/{chat_id}/picture",
  operationId: "putChatPicture",
  tags: ["Chats"],
  summary: "Set the picture of a chat (owner)",
  description: `${about} Only participants may see it.`,
  security,
  request: { params: ChatPath, body },
  responses: {
    200: answers(Chat, "The chat with the new picture"),
    ...refuses(...refusals, "not_found", "forbidden"),
  },
});

export function pictureFileRoutes(ctx: Ctx, uploads: Uploads) {
  const app = createRouter();
  const isSignedIn = signedIn(ctx);
  const isLimited = limit(ctx, "pictures");
  return app
    .openapi({ ...putAvatarRoute, middleware: [isSignedIn, isLimited] as const }, async (c) =>
      c.json(await putAvatar(ctx, uploads, c.get("caller"), bodyOf(c)), 200),
    )
    .openapi(
      { ...putChatPictureRoute, middleware: [isSignedIn, isLimited] as const },
      async (c) => {
        const { chat_id: chatId } = c.req.valid("param");
        const picture = { chatId, body: bodyOf(c) };
        return c.json(await putChatPicture(ctx, uploads, c.get("caller"), picture), 200);
      },
    );
}
