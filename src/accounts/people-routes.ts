import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { answers, bearer, refuses } from "../wire/openapi.ts";
import { PersonFound, UserSearchQuery } from "../wire/users.ts";
import { searchUsers } from "./people.ts";
import { signedIn } from "./signed-in.ts";

const searchRoute = createRoute({
  method: "get",
  path: "/api/users/search",
  operationId: "searchUsers",
  tags: ["People"],
  summary: "Find people by a part of their username",
  description:
    "People whose name begins with the text come first. The caller is left out, and a text of fewer than 2 characters finds " +
    "nobody. Emails are neither searched nor shown.",
  security: bearer,
  request: { query: UserSearchQuery },
  responses: {
    200: answers(z.array(PersonFound), "The people that were found"),
    ...refuses("invalid_token", "invalid"),
  },
});

export function peopleRoutes(ctx: Ctx) {
  return createRouter().openapi(
    { ...searchRoute, middleware: [signedIn(ctx), limit(ctx, "userSearches")] as const },
    async (c) => c.json(await searchUsers(ctx, c.get("caller"), c.req.valid("query")), 200),
  );
}
