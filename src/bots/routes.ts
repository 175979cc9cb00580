import { createRoute, z } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { CreatedKey, CreateKeyInput } from "../wire/access-keys.ts";
import { Bot, BotPath, CreateBotInput } from "../wire/bots.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { Confirmation } from "../wire/users.ts";
import { createBot, createBotKey, deleteBot, listBots } from "./actions.ts";

const tags = ["Keys and bots"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;

const createBotRoute = createRoute({
  method: "post",
  path: "/api/bots",
  operationId: "createBot",
  tags,
  summary: "Create a bot",
  description:
    "A bot is an account that belongs to the caller, and that others see with `is_bot_account`. It has no password: create an access key " +
    "for it. It is invited to chats as people are. Nothing that it writes asks the model, whatever chat it is in, and other bots are not " +
    "told of its mentions. It is deleted with its owner's account.",
  security: bearer,
  request: { body: takes(CreateBotInput) },
  responses: {
    200: answers(Bot, "The new bot"),
    ...refuses(...badBody, "invalid_token", "username_taken", "too_many_bots"),
  },
});

const listBotsRoute = createRoute({
  method: "get",
  path: "/api/bots",
  operationId: "listBots",
  tags,
  summary: "Which bots do I have?",
  description: "The latest comes first.",
  security: bearer,
  responses: { 200: answers(z.array(Bot), "The caller's bots"), ...refuses("invalid_token") },
});

const deleteBotRoute = createRoute({
  method: "delete",
  path: "/api/bots/{bot_id}",
  operationId: "deleteBot",
  tags,
  summary: "Delete one of my bots",
  description:
    "Its keys and sockets end at once, and it leaves all chats. What it wrote stays under `Deleted user`, and nobody can register with " +
    "its username again.",
  security: bearer,
  request: { params: BotPath },
  responses: {
    200: answers(Confirmation, "The bot is deleted"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const createBotKeyRoute = createRoute({
  method: "post",
  path: "/api/bots/{bot_id}/keys",
  operationId: "createBotKey",
  tags,
  summary: "Create an access key for one of my bots",
  description:
    "`GET /api/auth/keys` lists it, and `DELETE /api/auth/keys/{key_id}` revokes it. `chat_ids` may name chats that the bot or its " +
    "owner is in.",
  security: bearer,
  request: { params: BotPath, body: takes(CreateKeyInput) },
  responses: {
    200: answers(CreatedKey, "The key, which is not shown again"),
    ...refuses(...badBody, "invalid_token", "not_found", "too_many_keys"),
  },
});

export function botRoutes(ctx: Ctx) {
  const isSignedIn = signedIn(ctx);
  const limited = limit(ctx, "accessKeys");
  return createRouter()
    .openapi({ ...createBotRoute, middleware: [isSignedIn, limited] as const }, async (c) =>
      c.json(await createBot(ctx, c.get("caller"), c.req.valid("json")), 200),
    )
    .openapi({ ...listBotsRoute, middleware: isSignedIn }, async (c) =>
      c.json(await listBots(ctx, c.get("caller")), 200),
    )
    .openapi({ ...deleteBotRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      await deleteBot(ctx, c.get("caller"), c.req.valid("param").bot_id);
      return c.json({ message: "The bot was deleted." }, 200);
    })
    .openapi({ ...createBotKeyRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const { bot_id: botId } = c.req.valid("param");
      return c.json(await createBotKey(ctx, c.get("caller"), botId, c.req.valid("json")), 200);
    });
}
