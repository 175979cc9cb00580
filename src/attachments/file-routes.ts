// The endpoints whose bodies are files. They come before the limits of JSON bodies.
import { createRoute } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import {
  Attachment,
  PartQuery,
  partBytesMax,
  Upload,
  UploadPath,
  UploadQuery,
} from "../wire/attachments.ts";
import { ChatPath } from "../wire/chats.ts";
import { answers, bearer, refuses } from "../wire/openapi.ts";
import { bodyOf } from "../http/file-body.ts";
import { counted } from "./counted.ts";
import { putPart } from "./parts.ts";
import { upload } from "./upload.ts";
import type { Uploads } from "./uploads.ts";

const tags = ["Files"];
const security = bearer;
const bytes = { schema: { type: "string", format: "binary" } } as const;

const uploadRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/attachments",
  operationId: "uploadFile",
  tags,
  summary: "Upload a file",
  description:
    "The body is the file, or a form (`multipart/form-data`) whose first file is taken. The type is found out from the bytes; a " +
    "Content-Type or an extension that says something else counts for nothing. Of images the metadata is removed (EXIF with " +
    "places, XMP, comments), pixels are turned upright, and thumbnails are made. The file is shown to nobody until a message has its id " +
    "in `attachment_ids`; after 24 hours without one it is deleted. The same bytes twice in a chat are stored once. A retry with the same " +
    "`client_id` returns the first upload. Above 8 MiB, an upload in parts can go on after a lost connection.",
  security,
  request: {
    params: ChatPath,
    query: UploadQuery,
    body: {
      required: true,
      content: { "application/octet-stream": bytes, "multipart/form-data": bytes },
    },
  },
  responses: {
    200: answers(Attachment, "The file"),
    ...refuses(
      "bad_request",
      "invalid_token",
      "not_found",
      "client_id_reused",
      "too_many_uploads",
      "too_large",
      "unsupported_media_type",
      "invalid",
      "infected",
      "quota_exceeded",
      "store_full",
    ),
  },
});

const putPartRoute = createRoute({
  method: "put",
  path: "/api/chats/{chat_id}/attachments/uploads/{upload_id}",
  operationId: "putPart",
  tags,
  summary: "Send the next part of an upload",
  description:
    `The body is the next part, of at most ${partBytesMax} bytes. It is stored whole or not at all. After a lost connection, HEAD ` +
    "tells the `Upload-Offset` at which the upload goes on; any other `offset` is refused with 409 `wrong_offset`.",
  security,
  request: {
    params: UploadPath,
    query: PartQuery,
    body: { required: true, content: { "application/octet-stream": bytes } },
  },
  responses: {
    200: answers(Upload, "The upload with the part"),
    ...refuses(
      "bad_request",
      "invalid_token",
      "not_found",
      "wrong_offset",
      "too_large",
      "unsupported_media_type",
      "invalid",
      "store_full",
    ),
  },
});

export function fileRoutes(ctx: Ctx, uploads: Uploads) {
  const app = createRouter();
  const isSignedIn = signedIn(ctx);
  const isLimited = limit(ctx, "uploads");
  return app
    .openapi({ ...uploadRoute, middleware: [isSignedIn, isLimited] as const }, async (c) => {
      const { chat_id: chatId } = c.req.valid("param");
      const { name, kind, client_id: clientId } = c.req.valid("query");
      const isVoice = kind === "voice";
      const file = { chatId, name, clientId, isVoice, body: bodyOf(c) };
      const caller = c.get("caller");
      return c.json(await counted(ctx, () => upload(ctx, uploads, caller, file)), 200);
    })
    .openapi({ ...putPartRoute, middleware: [isSignedIn, isLimited] as const }, async (c) => {
      const { chat_id: chatId, upload_id: uploadId } = c.req.valid("param");
      const { offset: start } = c.req.valid("query");
      const part = { chatId, uploadId, start, body: bodyOf(c) };
      return c.json(await putPart(ctx, uploads, c.get("caller"), part), 200);
    });
}
