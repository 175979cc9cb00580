import { createRoute } from "@hono/zod-openapi";
import type { Passwords } from "../accounts/passwords.ts";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { sourceOf } from "../http/source.ts";
import type { MailQueue } from "../mail/mail.ts";
import {
  ChangeEmailInput,
  ForgotPasswordInput,
  ResetPasswordInput,
  VerifyEmailInput,
} from "../wire/mail.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { Confirmation } from "../wire/users.ts";
import { requestEmail, requestReset, resetPassword, verifyEmail } from "./actions.ts";

const tags = ["Authentication"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;

const emailRoute = createRoute({
  method: "post",
  path: "/api/auth/email",
  operationId: "requestEmail",
  tags,
  summary: "Verify my email address, or change it",
  description:
    "Sends a link to the address, which works once, for 30 minutes. The address is the caller's when the link is used, and the address " +
    "before is told. The reply is the same whether or not somebody else has the address.",
  security: bearer,
  request: { body: takes(ChangeEmailInput) },
  responses: {
    200: answers(Confirmation, "A mail is on its way, if the address can have one"),
    ...refuses(...badBody, "invalid_token", "mail_not_configured"),
  },
});

const verifyRoute = createRoute({
  method: "post",
  path: "/api/auth/email/verify",
  operationId: "verifyEmail",
  tags,
  summary: "Use the link of a mail that verifies an address",
  request: { body: takes(VerifyEmailInput) },
  responses: {
    200: answers(Confirmation, "The address is verified"),
    ...refuses(...badBody, "email_taken", "invalid_link", "mail_not_configured"),
  },
});

const forgotRoute = createRoute({
  method: "post",
  path: "/api/auth/password/forgot",
  operationId: "forgotPassword",
  tags,
  summary: "Ask for a link that resets a forgotten password",
  description:
    "The reply, and the time that it takes, are the same whether or not an account has the address. The link works once, for 30 minutes.",
  request: { body: takes(ForgotPasswordInput) },
  responses: {
    200: answers(Confirmation, "A mail is on its way, if an account has the address"),
    ...refuses(...badBody, "mail_not_configured"),
  },
});

const resetRoute = createRoute({
  method: "post",
  path: "/api/auth/password/reset",
  operationId: "resetPassword",
  tags,
  summary: "Use the link of a mail that resets a password",
  description:
    "All sessions of the person end, and their sockets are closed. The address is told that the password was reset. Access keys, linked " +
    "accounts and webhooks go on, unless the address had never been verified: somebody else may have registered with it, and they end, too. " +
    "A second factor is still asked for at the next sign-in.",
  request: { body: takes(ResetPasswordInput) },
  responses: {
    200: answers(Confirmation, "The password is the new one"),
    ...refuses(...badBody, "invalid_link", "mail_not_configured"),
  },
});

export function accountMailRoutes(ctx: Ctx, passwords: Passwords, mail: MailQueue) {
  return createRouter()
    .openapi(
      { ...emailRoute, middleware: [signedIn(ctx), limit(ctx, "mails")] as const },
      async (c) => {
        await requestEmail(ctx, mail, c.get("caller"), c.req.valid("json"));
        return c.json({ message: "Look into your mailbox, and use the link in the mail." }, 200);
      },
    )
    .openapi({ ...verifyRoute, middleware: limit(ctx, "mailLinks") }, async (c) => {
      await verifyEmail(ctx, mail, c.req.valid("json").token, sourceOf(c));
      return c.json({ message: "Your email address is verified." }, 200);
    })
    .openapi({ ...forgotRoute, middleware: limit(ctx, "mails") }, async (c) => {
      await requestReset(mail, c.req.valid("json").email);
      const message = "If an account has this address, a mail with a link is on its way to it.";
      return c.json({ message }, 200);
    })
    .openapi({ ...resetRoute, middleware: limit(ctx, "mailLinks") }, async (c) => {
      await resetPassword(ctx, { passwords, mail }, c.req.valid("json"), sourceOf(c));
      return c.json({ message: "Your password is changed. Sign in with it." }, 200);
    });
}
