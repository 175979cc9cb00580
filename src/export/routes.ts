import { createRoute, z } from "@hono/zod-openapi";
import type { Context, TypedResponse } from "hono";
import { signedIn } from "../accounts/signed-in.ts";
import { record } from "../audit/audit.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { ChatPath } from "../wire/chats.ts";
import { ExportQuery } from "../wire/export.ts";
import { bearer, refuses } from "../wire/openapi.ts";
import { exportAccount } from "./account-export.ts";
import { exportChat } from "./chat-export.ts";
import type { ExportSlots } from "./export-slots.ts";
import { contentDisposition } from "./file-name.ts";
import { formats } from "./formats.ts";
import { streamed } from "./streamed.ts";

interface ExportedFile {
  parts: AsyncGenerator<string, void>;
  release: () => void;
  mediaType: string;
  disposition: string;
}

const file = { schema: z.string() };
const fileHeaders = {
  "Content-Disposition": {
    description: "The name of the file (RFC 6266)",
    schema: { type: "string" as const },
  },
};

const chatRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/export",
  operationId: "exportChat",
  tags: ["Chats"],
  summary: "Export a chat as a file",
  description:
    "All messages that the chat has at this moment, oldest first, as a stream. The first line of JSON Lines has the `chat`, the others " +
    'a `message` each, and the last one is `{"type":"end","complete":true,"messages":…}`; Markdown and HTML end with a sentence ' +
    "that says so. A file without that end was cut off. The export of a person who is removed from the chat meanwhile, or whose " +
    "session ends, ends with `complete: false`. A person has at most 2 exports running on a server.",
  security: bearer,
  request: { params: ChatPath, query: ExportQuery },
  responses: {
    200: {
      description: "The file",
      headers: fileHeaders,
      content: { "application/jsonl": file, "text/markdown": file, "text/html": file },
    },
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const accountRoute = createRoute({
  method: "get",
  path: "/api/auth/me/export",
  operationId: "exportMe",
  tags: ["Authentication"],
  summary: "Export all that is stored about me",
  description:
    "JSON Lines, each with a `type`: `export`, `profile`, `session`, `push_subscription`, `identity` (an account of a provider), " +
    "`authenticator_app`, `access_key`, `bot`, `chat` (with the role, the read position and the preferences), `block`, `last_seen`, " +
    "`webhook` and `incoming_webhook`, all without their secrets, `report`, `usage_day`, `audit_event`, `reaction`, and `message` with the texts before its edits, also in chats that " +
    'the caller has left. The last line is `{"type":"end","complete":true}`; a file without it was cut off.',
  security: bearer,
  responses: {
    200: {
      description: "The file",
      headers: fileHeaders,
      content: { "application/jsonl": file },
    },
    ...refuses("invalid_token"),
  },
});

export function exportRoutes(ctx: Ctx, slots: ExportSlots) {
  const [caller, limited] = [signedIn(ctx), limit(ctx, "exports")];
  return createRouter()
    .openapi({ ...chatRoute, middleware: [caller, limited] as const }, async (c) => {
      const caller = c.get("caller");
      const { chat_id: chatId } = c.req.valid("param");
      const { format } = c.req.valid("query");
      const { chat, mediaType, parts } = await exportChat(ctx, caller, chatId, format);
      const release = slots.take(caller.id);
      await record(ctx, {
        action: "export_chat",
        outcome: "ok",
        actor: caller,
        target: `chat:${chatId}`,
        details: { format },
        source: caller.source,
      });
      const disposition = contentDisposition(chat.name, `chat-${chatId}`, format);
      return answerFile<"json" | "text">(c, { parts, release, mediaType, disposition });
    })
    .openapi({ ...accountRoute, middleware: [caller, limited] as const }, async (c) => {
      const caller = c.get("caller");
      const release = slots.take(caller.id);
      await record(ctx, {
        action: "export_account",
        outcome: "ok",
        actor: caller,
        target: `user:${caller.id}`,
        source: caller.source,
      });
      return answerFile<"json">(c, {
        parts: exportAccount(ctx, caller),
        release,
        mediaType: formats.jsonl.mediaType,
        disposition: contentDisposition(caller.username, "account", "jsonl"),
      });
    });
}

/**
 * Answers with a file.
 * @template Form the kind of its response, which only the route's schema knows
 */
function answerFile<Form extends string>(
  c: Context,
  { parts, release, mediaType, disposition }: ExportedFile,
): Response & TypedResponse<string, 200, Form> {
  // Nobody reads the body of a HEAD request, so that it would never end.
  const isRead = c.req.raw.method !== "HEAD";
  if (!isRead) release();
  const body = isRead ? streamed(parts, release) : new Blob().stream();
  const response: Response = c.body(body, 200, {
    "Content-Type": mediaType,
    "Content-Disposition": disposition,
    // Without this header, Bun would answer HEAD with a Content-Length of 0.
    ...(isRead ? {} : { "Transfer-Encoding": "chunked" }),
  });
  return response as Response & TypedResponse<string, 200, Form>;
}
