import { createRoute, z } from "@hono/zod-openapi";
import type { Ctx } from "../context.ts";
import { clientAddress, networkOf } from "../http/address.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { signedIn } from "./signed-in.ts";
import { sourceOf } from "../http/source.ts";
import type { MailQueue } from "../mail/mail.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import {
  ChangePasswordInput,
  Confirmation,
  LoginInput,
  RefreshInput,
  RegisterInput,
  Session,
  SessionPath,
  Ticket,
  Tokens,
  UpdateMeInput,
  User,
} from "../wire/users.ts";
import type { Passwords } from "./passwords.ts";
import { issueTicket } from "./authentication.ts";
import { changeMe, getMe } from "./me.ts";
import { logout, refresh } from "./refresh.ts";
import { login, register } from "./sign-in.ts";
import { changePassword, endOtherSessions, endSession, listSessions } from "./sessions.ts";

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
  description:
    "Paste `access_token` into **Authorize** to try the other endpoints. Where an authenticator app is set up, the right password is " +
    "answered with `mfa_required` and a `ticket` for `POST /api/auth/login/totp`.",
  request: { body: takes(LoginInput) },
  responses: {
    200: answers(Tokens, "Tokens of a new session"),
    ...refuses(...badBody, "invalid_credentials", "mfa_required"),
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

const changeMeRoute = createRoute({
  method: "patch",
  path: "/api/auth/me",
  operationId: "changeMe",
  tags,
  summary: "Change my profile and settings",
  description:
    "A changed profile is shown to the people in the caller's chats by `user_updated` within 2 s. " +
    "With `read_receipts: false` nobody is shown what the caller reads from now on, and the caller is shown nobody's: not in " +
    "`read` frames, in `reads` of `joined`, among the readers of a message, nor in read receipts. The caller's own position " +
    'still reaches their own clients. With `presence: "invisible"` others are shown the caller as offline, and are ' +
    "not told that the caller joins a chat or leaves it.",
  security: bearer,
  request: { body: takes(UpdateMeInput) },
  responses: { 200: answers(User, "The caller"), ...refuses(...badBody, "invalid_token") },
});

const refreshRoute = createRoute({
  method: "post",
  path: "/api/auth/refresh",
  operationId: "refresh",
  tags,
  summary: "Exchange a refresh token for new tokens",
  description:
    "A refresh token is exchanged once. For 60 s after that it returns the same successor again, for a client whose " +
    "reply was lost and for tabs that renew at the same time. Any other use of an exchanged token ends its session.",
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
  description: "Its access token is good for nothing from then on.",
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

const passwordRoute = createRoute({
  method: "post",
  path: "/api/auth/password",
  operationId: "changePassword",
  tags,
  summary: "Change my password",
  description:
    "Ends all other sessions of the caller and closes their sockets. The present one goes on. A person who has no password, since a " +
    "provider has vouched for them, chooses one with `current_password: null` within 10 minutes of the sign-in, or by " +
    "`POST /api/auth/password/forgot`.",
  security: bearer,
  request: { body: takes(ChangePasswordInput) },
  responses: {
    200: answers(Confirmation, "The password is changed"),
    ...refuses(...badBody, "invalid_token", "wrong_password", "no_password"),
  },
});

const sessionsRoute = createRoute({
  method: "get",
  path: "/api/auth/sessions",
  operationId: "listSessions",
  tags,
  summary: "Where am I signed in?",
  description:
    "The session that was used last comes first. A person has 100 at most: one more sign-in ends the one that was " +
    "used longest ago.",
  security: bearer,
  responses: {
    200: answers(z.array(Session), "The caller's sessions"),
    ...refuses("invalid_token"),
  },
});

const endSessionRoute = createRoute({
  method: "delete",
  path: "/api/auth/sessions/{session_id}",
  operationId: "endSession",
  tags,
  summary: "End one of my sessions and its sockets",
  description: "The present one too, which is then signed out.",
  security: bearer,
  request: { params: SessionPath },
  responses: {
    200: answers(Confirmation, "The session has ended"),
    ...refuses("invalid_token", "not_found", "invalid"),
  },
});

const endOtherSessionsRoute = createRoute({
  method: "delete",
  path: "/api/auth/sessions",
  operationId: "endOtherSessions",
  tags,
  summary: "End all my sessions but this one",
  security: bearer,
  responses: {
    200: answers(Confirmation, "The others have ended"),
    ...refuses("invalid_token"),
  },
});

export function authRoutes(ctx: Ctx, passwords: Passwords, mail: MailQueue) {
  const app = createRouter();
  const middleware = signedIn(ctx);
  return app
    .openapi({ ...registerRoute, middleware: limit(ctx, "registrations") }, async (c) =>
      c.json(await register(ctx, { passwords, mail }, c.req.valid("json"), sourceOf(c)), 200),
    )
    .openapi(loginRoute, async (c) => {
      const input = c.req.valid("json");
      const network = networkOf(clientAddress(c));
      const attempt = { username: input.username, factor: "password", network } as const;
      const signIn = () => login(ctx, passwords, input, sourceOf(c));
      return c.json(await ctx.rateLimits.guardSignIn(attempt, signIn), 200);
    })
    .openapi(refreshRoute, async (c) =>
      c.json(await refresh(ctx, c.req.valid("json").refresh_token, sourceOf(c)), 200),
    )
    .openapi(logoutRoute, async (c) => {
      await logout(ctx, c.req.valid("json").refresh_token, sourceOf(c));
      return c.json({ message: "You are signed out." }, 200);
    })
    .openapi({ ...meRoute, middleware }, async (c) =>
      c.json(await getMe(ctx, c.get("caller")), 200),
    )
    .openapi(
      { ...changeMeRoute, middleware: [middleware, limit(ctx, "settings")] as const },
      async (c) => c.json(await changeMe(ctx, c.get("caller"), c.req.valid("json")), 200),
    )
    .openapi({ ...ticketRoute, middleware }, async (c) =>
      c.json(await issueTicket(ctx, c.get("caller")), 200),
    )
    .openapi({ ...passwordRoute, middleware }, async (c) => {
      const caller = c.get("caller");
      // A stolen token must not help to find out the password here either.
      const network = networkOf(clientAddress(c));
      const attempt = { username: caller.username, factor: "password", network } as const;
      await ctx.rateLimits.guardSignIn(attempt, () =>
        changePassword(ctx, passwords, caller, c.req.valid("json")),
      );
      return c.json({ message: "Your password was changed." }, 200);
    })
    .openapi({ ...sessionsRoute, middleware }, async (c) =>
      c.json(await listSessions(ctx, c.get("caller")), 200),
    )
    .openapi({ ...endSessionRoute, middleware }, async (c) => {
      await endSession(ctx, c.get("caller"), c.req.valid("param").session_id);
      return c.json({ message: "The session has ended." }, 200);
    })
    .openapi({ ...endOtherSessionsRoute, middleware }, async (c) => {
      const ended = await endOtherSessions(ctx, c.get("caller"));
      return c.json({ message: `Other sessions that have ended: ${ended}.` }, 200);
    });
}
