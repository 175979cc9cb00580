import { createRoute } from "@hono/zod-openapi";
import type { Passwords } from "../accounts/passwords.ts";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { clientAddress, networkOf } from "../http/address.ts";
import { createRouter } from "../http/router.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { Confirmation, DeleteMeInput } from "../wire/users.ts";
import { deleteAccount } from "./delete-account.ts";

const deleteMeRoute = createRoute({
  method: "delete",
  path: "/api/auth/me",
  operationId: "deleteMe",
  tags: ["Authentication"],
  summary: "Delete my account",
  description:
    "All sessions and access keys end at once, and their sockets are closed. The person's bots are deleted with it. The person leaves all chats; a chat that they own goes to the moderator " +
    "who has been there longest, or else to the member, and is deleted if nobody else is in it. Running answers to their questions are " +
    'stopped. With `messages: "keep"` what they wrote stays under the username `Deleted user`. With `erase` it is deleted as single ' +
    "messages are, also in chats that they have left: each message takes a number of its room's log, and the room receives " +
    "`message_updated`; many messages take minutes. Answers of the model stay in both cases, and so do reactions. The email is free " +
    "again at once. Nobody can register with the username again. Backups and, for `AUDIT_DAYS`, the audit trail are exceptions.",
  security: bearer,
  request: { body: takes(DeleteMeInput) },
  responses: {
    200: answers(Confirmation, "The account is deleted"),
    ...refuses(
      "not_json",
      "too_large",
      "unsupported_media_type",
      "invalid",
      "invalid_token",
      "wrong_password",
      "no_password",
    ),
  },
});

export function accountDeletionRoutes(ctx: Ctx, passwords: Passwords) {
  return createRouter().openapi({ ...deleteMeRoute, middleware: signedIn(ctx) }, async (c) => {
    const caller = c.get("caller");
    // A stolen token must not help to find out the password.
    const network = networkOf(clientAddress(c));
    const attempt = { username: caller.username, factor: "password", network } as const;
    await ctx.rateLimits.guardSignIn(attempt, () =>
      deleteAccount(ctx, passwords, caller, c.req.valid("json")),
    );
    return c.json({ message: "Your account was deleted." }, 200);
  });
}
