import { createRoute } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { clientAddress, networkOf } from "../http/address.ts";
import { limit } from "../http/rates.ts";
import { createRouter } from "../http/router.ts";
import { signedIn } from "../http/signed-in.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import {
  Confirmation,
  LoginInput,
  RefreshInput,
  RegisterInput,
  Ticket,
  Tokens,
  User,
} from "../wire/users.ts";
import { getMe, issueTicket, login, logout, refresh, register } from "./actions.ts";

const tags = ["Authentication"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;

const registerRoute = createRoute({
  method: "post",
  path: "/api/auth/register",
  operationId: "register",
  tags,
  summary: "Register a person",
  request: { body: takes(RegisterInput) },
  responses: {
    200: answers(User, "The new person"),
    ...refuses(...badBody, "username_taken", "email_taken"),
  },
});

const loginRoute = createRoute({
  method: "post",
  path: "/api/auth/login",
  operationId: "login",
  tags,
  summary: "Sign in",
  description: "Paste `access_token` into **Authorize** to try the other endpoints.",
  request: { body: takes(LoginInput) },
  responses: {
    200: answers(Tokens, "Tokens of a new session"),
    ...refuses(...badBody, "invalid_credentials"),
  },
});

const meRoute = createRoute({
  method: "get",
  path: "/api/auth/me",
  operationId: "getMe",
  tags,
  summary: "Who am I?",
  security: bearer,
  responses: { 200: answers(User, "The caller"), ...refuses("invalid_token") },
});

const refreshRoute = createRoute({
  method: "post",
  path: "/api/auth/refresh",
  operationId: "refresh",
  tags,
  summary: "Exchange a refresh token for new tokens",
  description: "A refresh token works once. One that is used again ends its whole session.",
  request: { body: takes(RefreshInput) },
  responses: {
    200: answers(Tokens, "The session's next tokens"),
    ...refuses(...badBody, "invalid_token"),
  },
});

const logoutRoute = createRoute({
  method: "post",
  path: "/api/auth/logout",
  operationId: "logout",
  tags,
  summary: "End a session and its sockets",
  request: { body: takes(RefreshInput) },
  responses: {
    200: answers(Confirmation, "The session has ended"),
    ...refuses(...badBody, "invalid_token"),
  },
});

const ticketRoute = createRoute({
  method: "post",
  path: "/api/auth/ws-ticket",
  operationId: "createSocketTicket",
  tags,
  summary: "Get a ticket that opens one socket",
  description: "For `/ws?token=`, so that no access token stands in an address or a proxy's log.",
  security: bearer,
  responses: { 200: answers(Ticket, "A single-use ticket"), ...refuses("invalid_token") },
});

export function authRoutes(ctx: Ctx) {
  const app = createRouter();
  return app
    .openapi({ ...registerRoute, middleware: limit(ctx, "registrations") }, async (c) =>
      c.json(await register(ctx, c.req.valid("json")), 200),
    )
    .openapi(loginRoute, async (c) => {
      const input = c.req.valid("json");
      const attempt = { username: input.username, network: networkOf(clientAddress(c)) };
      return c.json(await ctx.rates.guardSignIn(attempt, () => login(ctx, input)), 200);
    })
    .openapi(refreshRoute, async (c) =>
      c.json(await refresh(ctx, c.req.valid("json").refresh_token), 200),
    )
    .openapi(logoutRoute, async (c) => {
      await logout(ctx, c.req.valid("json").refresh_token);
      return c.json({ message: "You are signed out." }, 200);
    })
    .openapi({ ...meRoute, middleware: signedIn(ctx) }, async (c) =>
      c.json(await getMe(ctx, c.get("caller")), 200),
    )
    .openapi({ ...ticketRoute, middleware: signedIn(ctx) }, async (c) =>
      c.json(await issueTicket(ctx, c.get("caller")), 200),
    );
}
