import { createRoute, z } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import {
  Attachment,
  AttachmentPath,
  BeginUploadInput,
  FileTicket,
  Gallery,
  GalleryQuery,
  Upload,
  UploadPath,
} from "../wire/attachments.ts";
import { ChatPath } from "../wire/chats.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { counted } from "./counted.ts";
import { deleteAttachment, listAttachments } from "./gallery.ts";
import { beginUpload, cancelUpload, completeUpload, getUpload } from "./parts.ts";
import { issueTicket } from "./tickets.ts";
import type { Uploads } from "./uploads.ts";

const tags = ["Files"];
const security = bearer;
const uploadsPath = "/api/chats/{chat_id}/attachments/uploads";

const beginRoute = createRoute({
  method: "post",
  path: uploadsPath,
  operationId: "beginUpload",
  tags,
  summary: "Begin an upload in parts",
  description:
    "Send the parts in order with PUT, each at the `offset` that the one before has returned, then complete the upload. What is " +
    "neither completed nor cancelled within 24 hours is deleted.",
  security,
  request: { params: ChatPath, body: takes(BeginUploadInput) },
  responses: {
    200: answers(Upload, "The upload"),
    ...refuses(
      "not_json",
      "unsupported_media_type",
      "invalid",
      "invalid_token",
      "not_found",
      "too_many_uploads",
      "too_large",
      "quota_exceeded",
    ),
  },
});

const getUploadRoute = createRoute({
  method: "get",
  path: `${uploadsPath}/{upload_id}`,
  operationId: "getUpload",
  tags,
  summary: "Get the state of an upload",
  description: "HEAD has the same header `Upload-Offset`.",
  security,
  request: { params: UploadPath },
  responses: {
    200: {
      ...answers(Upload, "The upload"),
      headers: {
        "Upload-Offset": {
          description: "Bytes that have been stored",
          schema: { type: "integer" },
        },
      },
    },
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const cancelRoute = createRoute({
  method: "delete",
  path: `${uploadsPath}/{upload_id}`,
  operationId: "cancelUpload",
  tags,
  summary: "Cancel an upload",
  description:
    "Deletes the parts that have been stored. If the upload was completed, its file is deleted, unless a message has it.",
  security,
  request: { params: UploadPath },
  responses: {
    200: answers(z.object({ message: z.string() }), "The upload is cancelled"),
    ...refuses("invalid_token", "not_found", "invalid", "attachment_sent"),
  },
});

const completeRoute = createRoute({
  method: "post",
  path: `${uploadsPath}/{upload_id}/complete`,
  operationId: "completeUpload",
  tags,
  summary: "Complete an upload",
  description: "The file is then as one that was uploaded in one request.",
  security,
  request: { params: UploadPath },
  responses: {
    200: answers(Attachment, "The file"),
    ...refuses(
      "invalid_token",
      "not_found",
      "invalid",
      "upload_incomplete",
      "client_id_reused",
      "infected",
      "quota_exceeded",
      "store_full",
    ),
  },
});

const ticketRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/attachments/{attachment_id}/ticket",
  operationId: "createFileTicket",
  tags,
  summary: "Get a ticket for a file",
  description:
    "The ticket stands in the address of `<img>`, `<audio>` and `<video>`, as `?ticket=`, for the file and its thumbnails. It can " +
    "be used for 5 minutes, as often as needed, as long as its person is in the chat and signed in.",
  security,
  request: { params: AttachmentPath },
  responses: {
    200: answers(FileTicket, "The ticket"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const galleryRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/attachments",
  operationId: "listAttachments",
  tags,
  summary: "List the files of a chat's messages, newest messages first",
  security,
  request: { params: ChatPath, query: GalleryQuery },
  responses: {
    200: answers(Gallery, "A page of files"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/api/chats/{chat_id}/attachments/{attachment_id}",
  operationId: "deleteAttachment",
  tags,
  summary: "Delete a file that was not sent",
  description: "A file that was sent is deleted together with its message.",
  security,
  request: { params: AttachmentPath },
  responses: {
    200: answers(z.object({ message: z.string() }), "The file is deleted"),
    ...refuses("invalid_token", "not_found", "invalid", "attachment_sent"),
  },
});

export function attachmentRoutes(ctx: Ctx, uploads: Uploads) {
  const app = createRouter();
  const isSignedIn = signedIn(ctx);
  const isLimited = limit(ctx, "uploads");
  return app
    .openapi({ ...beginRoute, middleware: [isSignedIn, isLimited] as const }, async (c) => {
      const { chat_id } = c.req.valid("param");
      return c.json(await beginUpload(ctx, c.get("caller"), chat_id, c.req.valid("json")), 200);
    })
    .openapi({ ...getUploadRoute, middleware: isSignedIn }, async (c) => {
      const { chat_id: chatId, upload_id: uploadId } = c.req.valid("param");
      const upload = await getUpload(ctx, c.get("caller"), { chatId, uploadId });
      c.header("Upload-Offset", String(upload.offset));
      return c.json(upload, 200);
    })
    .openapi({ ...cancelRoute, middleware: isSignedIn }, async (c) => {
      const { chat_id: chatId, upload_id: uploadId } = c.req.valid("param");
      await cancelUpload(ctx, c.get("caller"), { chatId, uploadId });
      return c.json({ message: "The upload is cancelled." }, 200);
    })
    .openapi({ ...completeRoute, middleware: [isSignedIn, isLimited] as const }, async (c) => {
      const { chat_id: chatId, upload_id: uploadId } = c.req.valid("param");
      const ids = { chatId, uploadId };
      const caller = c.get("caller");
      return c.json(await counted(ctx, () => completeUpload(ctx, uploads, caller, ids)), 200);
    })
    .openapi({ ...ticketRoute, middleware: isSignedIn }, async (c) => {
      const { chat_id: chatId, attachment_id: attachmentId } = c.req.valid("param");
      return c.json(await issueTicket(ctx, c.get("caller"), { chatId, attachmentId }), 200);
    })
    .openapi({ ...galleryRoute, middleware: isSignedIn }, async (c) => {
      const { chat_id } = c.req.valid("param");
      return c.json(
        await listAttachments(ctx, c.get("caller"), chat_id, c.req.valid("query")),
        200,
      );
    })
    .openapi({ ...deleteRoute, middleware: [isSignedIn, isLimited] as const }, async (c) => {
      const { chat_id: chatId, attachment_id: attachmentId } = c.req.valid("param");
      await deleteAttachment(ctx, c.get("caller"), { chatId, attachmentId });
      return c.json({ message: "The file is deleted." }, 200);
    });
}
