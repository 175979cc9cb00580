import { createRoute } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { answers, bearer, refuses } from "../wire/openapi.ts";
import { SearchPage, SearchQuery } from "../wire/search.ts";
import { searchMessages } from "./search.ts";

const searchRoute = createRoute({
  method: "get",
  path: "/api/search",
  operationId: "searchMessages",
  tags: ["Messages"],
  summary: "Search the messages of the caller's chats, newest first",
  description:
    "It finds messages of the chats that the caller is in, answers of the model among them, and nothing of a chat that they have " +
    "left. New and edited messages are found within 2 seconds; the words of a deleted message are deleted with it. `q` may be left " +
    "out where `from` or `has` is given. `GET /api/chats/{chat_id}/messages?around_seq=` shows a message that was found among its " +
    "neighbours.",
  security: bearer,
  request: { query: SearchQuery },
  responses: {
    200: answers(SearchPage, "A page of messages"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

export function searchRoutes(ctx: Ctx) {
  return createRouter().openapi(
    { ...searchRoute, middleware: [signedIn(ctx), limit(ctx, "searches")] as const },
    async (c) => c.json(await searchMessages(ctx, c.get("caller"), c.req.valid("query")), 200),
  );
}
