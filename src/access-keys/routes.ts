import { createRoute, z } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { AccessKey, CreatedKey, CreateKeyInput, KeyPath } from "../wire/access-keys.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { Confirmation } from "../wire/users.ts";
import { createKey, listKeys, revokeKey } from "./actions.ts";

const tags = ["Keys and bots"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;

const createKeyRoute = createRoute({
  method: "post",
  path: "/api/auth/keys",
  operationId: "createKey",
  tags,
  summary: "Create an access key for my account",
  description:
    "A program sends the key as `Authorization: Bearer`, or in the `auth` frame of a socket. It may do what its scopes allow, in the " +
    "name of the person; each operation names the scope that it needs. The key is shown this once. A changed password does not end it.",
  security: bearer,
  request: { body: takes(CreateKeyInput) },
  responses: {
    200: answers(CreatedKey, "The key, which is not shown again"),
    ...refuses(...badBody, "invalid_token", "too_many_keys"),
  },
});

const listKeysRoute = createRoute({
  method: "get",
  path: "/api/auth/keys",
  operationId: "listKeys",
  tags,
  summary: "Which access keys do I have?",
  description: "Those of the caller's bots are among them. The latest comes first.",
  security: bearer,
  responses: {
    200: answers(z.array(AccessKey), "The caller's access keys"),
    ...refuses("invalid_token"),
  },
});

const revokeKeyRoute = createRoute({
  method: "delete",
  path: "/api/auth/keys/{key_id}",
  operationId: "revokeKey",
  tags,
  summary: "Revoke an access key and close its sockets",
  security: bearer,
  request: { params: KeyPath },
  responses: {
    200: answers(Confirmation, "The key is good for nothing any more"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

export function accessKeyRoutes(ctx: Ctx) {
  const isSignedIn = signedIn(ctx);
  const limited = limit(ctx, "accessKeys");
  return createRouter()
    .openapi({ ...createKeyRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const caller = c.get("caller");
      return c.json(await createKey(ctx, caller, caller.id, c.req.valid("json")), 200);
    })
    .openapi({ ...listKeysRoute, middleware: isSignedIn }, async (c) =>
      c.json(await listKeys(ctx, c.get("caller")), 200),
    )
    .openapi({ ...revokeKeyRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      await revokeKey(ctx, c.get("caller"), c.req.valid("param").key_id);
      return c.json({ message: "The access key was revoked." }, 200);
    });
}
