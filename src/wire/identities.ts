// Signing in with an account at another provider: Google, GitHub, or any OpenID provider.
import { z } from "zod";
import { Id, numeric, text, Time } from "./text.ts";

/** Identities that one person may have linked. */
export const identitiesPerPersonMax = 20;
/** Seconds within which a person has to come back from the provider. */
export const visitTtlSeconds = 10 * 60;
/** Seconds within which the browser has to exchange its code. */
export const signInCodeTtlSeconds = 60;

const ProviderName = z.enum(["google", "github", "oidc"]);

/** The reasons for which a browser returns without a code, as `error` in the fragment of the address. */
export const ReturnError = z.enum([
  "access_denied",
  "provider_unavailable",
  "provider_invalid",
  "visit_expired",
  "email_taken",
  "email_not_verified",
  "identity_taken",
  "too_many_identities",
]);
export type ReturnError = z.infer<typeof ReturnError>;

export const Provider = z
  .object({
    id: ProviderName,
    name: z.string().meta({ description: "For a button", example: "Google" }),
  })
  .meta({ id: "Provider", description: "A provider of accounts that people may sign in with" });
export type Provider = z.infer<typeof Provider>;

export const ProviderPath = z.object({
  provider: text({ min: 1, max: 20 }).meta({
    description: "The `id` of one of `GET /api/auth/providers`",
    example: "google",
  }),
});

const returnTo = text({ min: 1, max: 2_000 }).optional().meta({
  description:
    "The address to which the browser returns: one of `OAUTH_RETURN_TO`, or the page at `PUBLIC_URL`, which is also the default",
  example: "https://app.example.com/signed-in",
});

/** RFC 7636 §4.2: a SHA-256 in base64url. */
const challengePattern = /^[A-Za-z0-9_-]{43}$/;

export const VisitQuery = z.object({
  return_to: returnTo,
  code_challenge: z
    .string()
    .regex(challengePattern, "must be a SHA-256 in base64url, of 43 characters")
    .optional()
    .meta({
      description:
        "The SHA-256 of a secret in base64url (RFC 7636 §4.2), which is then needed as `code_verifier` in place of the cookie. For " +
        "clients whose requests to this server carry no cookies, because they belong to another site",
    }),
});
export type VisitQuery = z.infer<typeof VisitQuery>;

export const LinkQuery = VisitQuery.pick({ return_to: true });

/** The parameters of RFC 6749 §4.1.2 and RFC 9207. They are verified with the provider's library; others are ignored. */
export const CallbackQuery = z.object({
  code: z.string().optional(),
  state: z.string().optional(),
  error: z.string().optional(),
  iss: z.string().optional(),
});

export const SignInCodeInput = z
  .object({
    code: text({ min: 1, max: 256 }).meta({
      description: "`code` in the fragment of the address to which the browser returned",
    }),
    code_verifier: text({ min: 43, max: 128, trim: false }).optional().meta({
      description: "The secret whose SHA-256 was the `code_challenge`",
    }),
  })
  .meta({ id: "SignInCodeInput" });
export type SignInCodeInput = z.infer<typeof SignInCodeInput>;

export const Visit = z
  .object({
    url: z.string().meta({
      description: "The address of the provider to which the browser has to go now",
      example: "https://accounts.google.com/o/oauth2/v2/auth?client_id=…",
    }),
  })
  .meta({ id: "Visit" });
export type Visit = z.infer<typeof Visit>;

export const Identity = z
  .object({
    id: Id,
    provider: ProviderName,
    label: z.string().meta({
      description: "The name or the email address of the account there",
      example: "jane@example.com",
    }),
    created_at: Time.meta({ description: "Time at which it was linked" }),
    last_used_at: Time.meta({ description: "Time of the last sign-in with it" }),
  })
  .meta({
    id: "Identity",
    description: "An account at another provider by which a person can sign in",
  });
export type Identity = z.infer<typeof Identity>;

/** One path with two methods, whose parameter has one name (OpenAPI 3.1, Paths Object): to link it is a provider, to unlink the number of an identity. */
export const LinkPath = z.object({ identity: ProviderPath.shape.provider });
export const IdentityPath = z.object({ identity: numeric({ min: 1 }).meta({ example: 1 }) });
