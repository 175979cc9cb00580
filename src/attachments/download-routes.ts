import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { signedIn } from "../accounts/signed-in.ts";
import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import { createRouter, type AppEnv } from "../http/router.ts";
import { sourceOf } from "../http/source.ts";
import { AttachmentPath, ThumbnailPath, TicketQuery } from "../wire/attachments.ts";
import { bearer, refuses } from "../wire/openapi.ts";
import { serveFile, type FileRequest } from "./serve.ts";
import { redeemTicket } from "./tickets.ts";

const tags = ["Files"];
const security = [...bearer, {}];
const path = "/api/chats/{chat_id}/attachments/{attachment_id}";
const file = { "*/*": { schema: { type: "string", format: "binary" } } } as const;
const header = (description: string) => ({ description, schema: { type: "string" } }) as const;
const whole = {
  ETag: header("The version of the file"),
  "Accept-Ranges": header("`bytes`"),
  "Content-Disposition": header("`inline` or `attachment`, and the name (RFC 6266)"),
};
const ranged = { ...whole, "Content-Range": header("The range, and the size of the file") };
const responses = {
  200: { description: "The file", content: file, headers: whole },
  206: { description: "The range of `Range`", content: file, headers: ranged },
  302: {
    description: "The address at which the store serves the file for 60 seconds",
    content: {},
    headers: { ...whole, Location: header("The address") },
  },
  304: { description: "The file is the one of `If-None-Match`", content: {}, headers: whole },
  416: { description: "The range lies behind the end of the file", content: {}, headers: ranged },
  ...refuses("invalid_token", "not_found", "invalid"),
};

const fileRoute = createRoute({
  method: "get",
  path,
  operationId: "getFile",
  tags,
  summary: "Download a file",
  description:
    "It needs an Authorization header, or a `ticket`. Its answers have an `ETag`, and `Range` asks for a part. Images, audio and video may be shown in a page; " +
    "everything else, and above all what could run (SVG, HTML, PDF), has the `Content-Disposition` `attachment`.",
  security,
  request: { params: AttachmentPath, query: TicketQuery },
  responses,
});

const thumbnailRoute = createRoute({
  method: "get",
  path: `${path}/thumbnails/{width}`,
  operationId: "getThumbnail",
  tags,
  summary: "Download a thumbnail",
  description:
    "A WebP image that fits into a square of `width` pixels. Smaller images are not enlarged.",
  security,
  request: { params: ThumbnailPath, query: TicketQuery },
  responses,
});

/** Lets a request with an Authorization header pass, and one with a ticket of the attachment. */
function signedInOrTicket(ctx: Ctx) {
  const bySignIn = signedIn(ctx);
  return createMiddleware<AppEnv & { Variables: { caller: Caller } }>(async (c, next) => {
    const ticket = c.req.query("ticket");
    if (ticket === undefined || c.req.header("authorization") !== undefined) {
      return await bySignIn(c, next);
    }
    const identity = await redeemTicket(ctx, ticket, Number(c.req.param("attachment_id")));
    c.set("caller", { ...identity, source: sourceOf(c) });
    await next();
  });
}

type Conditions = Pick<FileRequest, "hasTicket" | "isHead" | "range" | "ifRange" | "ifNoneMatch">;

const conditionsOf = (c: Context): Conditions => ({
  hasTicket: c.req.header("authorization") === undefined,
  isHead: c.req.method === "HEAD",
  range: c.req.header("range"),
  ifRange: c.req.header("if-range"),
  ifNoneMatch: c.req.header("if-none-match"),
});

export function downloadRoutes(ctx: Ctx) {
  const app = createRouter();
  const middleware = signedInOrTicket(ctx);
  return app
    .openapi({ ...fileRoute, middleware }, async (c) => {
      const { chat_id: chatId, attachment_id: attachmentId } = c.req.valid("param");
      const ids = { userId: c.get("caller").id, chatId, attachmentId };
      const { body, status, headers } = await serveFile(ctx, { ...ids, ...conditionsOf(c) });
      return c.newResponse(body, status, headers);
    })
    .openapi({ ...thumbnailRoute, middleware }, async (c) => {
      const { chat_id: chatId, attachment_id: attachmentId, width } = c.req.valid("param");
      const ids = { userId: c.get("caller").id, chatId, attachmentId, thumbnailSize: width };
      const { body, status, headers } = await serveFile(ctx, { ...ids, ...conditionsOf(c) });
      return c.newResponse(body, status, headers);
    });
}
