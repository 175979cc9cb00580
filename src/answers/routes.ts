import { createRoute } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { createRouter } from "../http/router.ts";
import { signedIn } from "../accounts/signed-in.ts";
import { AnswerContext, Models, UsageQuery, UsageReport } from "../wire/answers.ts";
import { Message, MessagePath } from "../wire/messages.ts";
import { answers, bearer, refuses } from "../wire/openapi.ts";
import { getAnswerContext } from "./answer-context.ts";
import { getUsage } from "./budget/usage.ts";
import { regenerateAnswer } from "./regenerate.ts";
import { stopAnswer } from "./stop.ts";

const tags = ["Answers"];
const security = bearer;
const toMessage = ["invalid_token", "not_found", "invalid"] as const;

const stopRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/messages/{message_id}/stop",
  operationId: "stopAnswer",
  tags,
  summary: "Stop a running answer",
  description: "Any participant may. What was answered so far is kept.",
  security,
  request: { params: MessagePath },
  responses: {
    200: answers(Message, "The answer as it is kept"),
    ...refuses(...toMessage, "answer_ended"),
  },
});

const regenerateRoute = createRoute({
  method: "post",
  path: "/api/chats/{chat_id}/messages/{message_id}/regenerate",
  operationId: "regenerateAnswer",
  tags,
  summary: "Ask again",
  description:
    "One more answer to the same question (the same `answer_to`), which streams to the room; those before it stay. " +
    "`message_id` is the question's, or an answer's. Any participant may, and pays for it. A deleted question cannot be answered again (409).",
  security,
  request: { params: MessagePath },
  responses: {
    200: answers(Message, "The new answer, which is running"),
    ...refuses(
      ...toMessage,
      "answer_running",
      "message_deleted",
      "quota_exceeded",
      "bot_not_configured",
    ),
  },
});

const contextRoute = createRoute({
  method: "get",
  path: "/api/chats/{chat_id}/messages/{message_id}/context",
  operationId: "getAnswerContext",
  tags,
  summary: "What an answer was made from",
  security,
  request: { params: MessagePath },
  responses: {
    200: answers(AnswerContext, "Messages, summary, model, settings, tokens and times"),
    ...refuses(...toMessage),
  },
});

const usageRoute = createRoute({
  method: "get",
  path: "/api/usage",
  operationId: "getUsage",
  tags,
  summary: "What answers have used: mine, and those in the chats I own",
  security,
  request: { query: UsageQuery },
  responses: {
    200: answers(UsageReport, "Tokens and answers by day, with today's limits"),
    ...refuses("invalid_token", "invalid"),
  },
});

const modelsRoute = createRoute({
  method: "get",
  path: "/api/models",
  operationId: "listModels",
  tags,
  summary: "The models that a chat may be set to",
  security,
  responses: {
    200: answers(Models, "Their names, and which one answers where none is chosen"),
    ...refuses("invalid_token"),
  },
});

export function answerRoutes(ctx: Ctx) {
  const app = createRouter();
  const middleware = signedIn(ctx);
  return app
    .openapi({ ...stopRoute, middleware }, async (c) => {
      const { chat_id, message_id } = c.req.valid("param");
      return c.json(await stopAnswer(ctx, c.get("caller"), chat_id, message_id), 200);
    })
    .openapi({ ...regenerateRoute, middleware }, async (c) => {
      const { chat_id, message_id } = c.req.valid("param");
      return c.json(await regenerateAnswer(ctx, c.get("caller"), chat_id, message_id), 200);
    })
    .openapi({ ...contextRoute, middleware }, async (c) => {
      const { chat_id, message_id } = c.req.valid("param");
      return c.json(await getAnswerContext(ctx, c.get("caller"), chat_id, message_id), 200);
    })
    .openapi({ ...usageRoute, middleware }, async (c) =>
      c.json(await getUsage(ctx, c.get("caller"), c.req.valid("query").days), 200),
    )
    .openapi({ ...modelsRoute, middleware }, (c) => {
      const { model, models } = ctx.config.gemini;
      return c.json({ default: model, models: [...models] }, 200);
    });
}
