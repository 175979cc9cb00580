import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { BlockedPage, BlockedQuery } from "../wire/blocks.ts";
import { answers, bearer, refuses } from "../wire/openapi.ts";
import { Confirmation, Profile, UserPath, UserSearchQuery } from "../wire/users.ts";
import { blockPerson, listBlocked, unblockPerson } from "./blocks.ts";
import { searchUsers } from "./people-search.ts";
import { getProfile } from "./profiles.ts";
import { signedIn } from "./signed-in.ts";

const tags = ["People"];

const searchRoute = createRoute({
  method: "get",
  path: "/api/users/search",
  operationId: "searchUsers",
  tags,
  summary: "Find people by their names",
  description:
    "People whose username begins with the text come first, then those of whose display name a word does, then those with the text " +
    "elsewhere in their username. Accents and case do not matter. The caller is left out, as is everybody who has blocked the caller or whom " +
    "the caller has blocked, and a text of fewer than 2 characters finds nobody. Emails are neither searched nor shown.",
  security: bearer,
  request: { query: UserSearchQuery },
  responses: {
    200: answers(z.array(Profile), "The people that were found"),
    ...refuses("invalid_token", "invalid"),
  },
});

const blockedRoute = createRoute({
  method: "get",
  path: "/api/users/blocked",
  operationId: "listBlockedUsers",
  tags,
  summary: "Whom have I blocked?",
  description: "The person who was blocked last comes first.",
  security: bearer,
  request: { query: BlockedQuery },
  responses: {
    200: answers(BlockedPage, "A page of the people whom the caller has blocked"),
    ...refuses("invalid_token", "invalid"),
  },
});

const profileRoute = createRoute({
  method: "get",
  path: "/api/users/{user_id}",
  operationId: "getUser",
  tags,
  summary: "Get a person's profile",
  description:
    "Everybody who is signed in may see everybody's profile, as in a search. Somebody whom the person has blocked, and who is in no chat with " +
    "them, is answered as for a person who does not exist.",
  security: bearer,
  request: { params: UserPath },
  responses: {
    200: answers(Profile, "The person as others see them"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const blockRoute = createRoute({
  method: "put",
  path: "/api/users/{user_id}/block",
  operationId: "blockUser",
  tags,
  summary: "Block a person",
  description:
    "The two can no longer invite each other or open a private chat with each other, do not find each other, and are shown to each other as offline. The blocked " +
    "person is told nothing: an invitation by them is answered as if the caller did not exist. Groups of both go on, as does " +
    "their private chat, but the caller is told neither of mentions by the blocked person nor of messages in the private chat, which do " +
    "not count as unread. Clients should fold up messages of people whom their person has blocked. The caller's other clients receive `blocked_people`.",
  security: bearer,
  request: { params: UserPath },
  responses: {
    200: answers(Confirmation, "The person is blocked"),
    ...refuses("invalid_token", "not_found", "too_many_blocks", "invalid"),
  },
});

const unblockRoute = createRoute({
  method: "delete",
  path: "/api/users/{user_id}/block",
  operationId: "unblockUser",
  tags,
  summary: "Unblock a person",
  description: "A success that changes nothing for somebody who is not blocked.",
  security: bearer,
  request: { params: UserPath },
  responses: {
    200: answers(Confirmation, "The person is not blocked"),
    ...refuses("invalid_token", "invalid"),
  },
});

export function peopleRoutes(ctx: Ctx) {
  const middleware = signedIn(ctx);
  return createRouter()
    .openapi(
      { ...searchRoute, middleware: [middleware, limit(ctx, "userSearches")] as const },
      async (c) => c.json(await searchUsers(ctx, c.get("caller"), c.req.valid("query")), 200),
    )
    .openapi({ ...blockedRoute, middleware }, async (c) =>
      c.json(await listBlocked(ctx, c.get("caller"), c.req.valid("query")), 200),
    )
    .openapi(
      { ...profileRoute, middleware: [middleware, limit(ctx, "userLookups")] as const },
      async (c) =>
        c.json(await getProfile(ctx, c.get("caller"), c.req.valid("param").user_id), 200),
    )
    .openapi(
      { ...blockRoute, middleware: [middleware, limit(ctx, "blocks")] as const },
      async (c) => {
        const { user_id: userId } = c.req.valid("param");
        return c.json({ message: await blockPerson(ctx, c.get("caller"), userId) }, 200);
      },
    )
    .openapi(
      { ...unblockRoute, middleware: [middleware, limit(ctx, "blocks")] as const },
      async (c) => {
        const { user_id: userId } = c.req.valid("param");
        return c.json({ message: await unblockPerson(ctx, c.get("caller"), userId) }, 200);
      },
    );
}
