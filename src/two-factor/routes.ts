import { createRoute } from "@hono/zod-openapi";
import { signedIn } from "../accounts/signed-in.ts";
import type { Ctx } from "../context.ts";
import { clientAddress, networkOf } from "../http/address.ts";
import { limit } from "../http/rate-limits.ts";
import { createRouter } from "../http/router.ts";
import { sourceOf } from "../http/source.ts";
import { answers, bearer, refuses, takes } from "../wire/openapi.ts";
import { CodeInput, RecoveryCodes, TotpLoginInput, TotpSetup } from "../wire/two-factor.ts";
import { Confirmation, Tokens } from "../wire/users.ts";
import { confirmTotp, getTicketHolder, loginWithCode, removeTotp, setUpTotp } from "./actions.ts";

const tags = ["Authentication"];
const badBody = ["not_json", "too_large", "unsupported_media_type", "invalid"] as const;

const setUpRoute = createRoute({
  method: "post",
  path: "/api/auth/totp",
  operationId: "setUpTotp",
  tags,
  summary: "Set up an authenticator app",
  description:
    "Returns a new secret for the app (TOTP, RFC 6238: SHA-1, six digits, 30 s). Signing in asks for codes as soon as " +
    "`POST /api/auth/totp/confirm` has shown that the app has it. The session has to be begun by a sign-in within the last 10 minutes.",
  security: bearer,
  responses: {
    200: answers(TotpSetup, "The secret, which is not shown again"),
    ...refuses("invalid_token", "sign_in_again", "totp_enabled"),
  },
});

const confirmRoute = createRoute({
  method: "post",
  path: "/api/auth/totp/confirm",
  operationId: "confirmTotp",
  tags,
  summary: "Confirm the authenticator app, and get recovery codes",
  description: "From now on signing in asks for a code. Sessions that have begun go on.",
  security: bearer,
  request: { body: takes(CodeInput) },
  responses: {
    200: answers(RecoveryCodes, "Codes for the case that the app is lost"),
    ...refuses(...badBody, "invalid_token", "invalid_code", "totp_enabled", "totp_not_set_up"),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/api/auth/totp",
  operationId: "removeTotp",
  tags,
  summary: "Turn the second factor off",
  description: "`code` is one of the app or a recovery code. All recovery codes go.",
  security: bearer,
  request: { body: takes(CodeInput) },
  responses: {
    200: answers(Confirmation, "Signing in asks for the password only"),
    ...refuses(...badBody, "invalid_token", "invalid_code", "totp_not_set_up"),
  },
});

const loginRoute = createRoute({
  method: "post",
  path: "/api/auth/login/totp",
  operationId: "loginWithCode",
  tags,
  summary: "Sign in with the code that follows the password",
  description:
    "`ticket` comes with the problem `mfa_required` of `POST /api/auth/login`. It is good for 5 minutes and 5 codes. No code works twice.",
  request: { body: takes(TotpLoginInput) },
  responses: {
    200: answers(Tokens, "Tokens of a new session"),
    ...refuses(...badBody, "invalid_token", "invalid_code"),
  },
});

export function twoFactorRoutes(ctx: Ctx) {
  const isSignedIn = signedIn(ctx);
  const limited = limit(ctx, "settings");
  const guarded = <T>(username: string, network: string, work: () => Promise<T>) =>
    ctx.rateLimits.guardSignIn({ username, factor: "code", network }, work);
  return createRouter()
    .openapi({ ...setUpRoute, middleware: [isSignedIn, limited] as const }, async (c) =>
      c.json(await setUpTotp(ctx, c.get("caller")), 200),
    )
    .openapi({ ...confirmRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const caller = c.get("caller");
      const { code } = c.req.valid("json");
      const confirm = () => confirmTotp(ctx, caller, code);
      const network = networkOf(clientAddress(c));
      return c.json(await guarded(caller.username, network, confirm), 200);
    })
    .openapi({ ...removeRoute, middleware: [isSignedIn, limited] as const }, async (c) => {
      const caller = c.get("caller");
      const { code } = c.req.valid("json");
      const network = networkOf(clientAddress(c));
      await guarded(caller.username, network, () => removeTotp(ctx, caller, code));
      return c.json({ message: "Signing in asks for your password only." }, 200);
    })
    .openapi(loginRoute, async (c) => {
      const input = c.req.valid("json");
      const holder = await getTicketHolder(ctx, input.ticket);
      const network = networkOf(clientAddress(c));
      const login = () => loginWithCode(ctx, holder, input, sourceOf(c));
      return c.json(await guarded(holder.username, network, login), 200);
    });
}
