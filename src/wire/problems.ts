// The catalogue of problems. A problem has one code, one HTTP status and one title. HTTP carries it as
// application/problem+json (RFC 9457), and a socket as an `error` frame with the same code.
import { z } from "zod";
import { plainWords } from "./plain-words.ts";

export const problemCatalogue = {
  not_json: { status: 400, title: "Not JSON" },
  bad_request: { status: 400, title: "Bad request" },
  invalid_token: { status: 401, title: "Not signed in" },
  invalid_credentials: { status: 401, title: "Wrong username or password" },
  mfa_required: { status: 401, title: "A code is required" },
  invalid_code: { status: 403, title: "Wrong code" },
  wrong_password: { status: 403, title: "Wrong password" },
  sign_in_again: { status: 403, title: "Sign in again first" },
  forbidden: { status: 403, title: "Not allowed" },
  insufficient_scope: { status: 403, title: "The access key does not allow this" },
  not_found: { status: 404, title: "Not found" },
  origin_not_allowed: { status: 403, title: "Origin not allowed" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  username_taken: { status: 409, title: "Username taken" },
  email_taken: { status: 409, title: "Email taken" },
  no_password: { status: 409, title: "The account has no password" },
  last_way_in: { status: 409, title: "The last way to sign in" },
  totp_enabled: { status: 409, title: "The second factor is on" },
  totp_not_set_up: { status: 409, title: "There is no second factor" },
  chat_full: { status: 409, title: "Chat is full" },
  too_many_chats: { status: 409, title: "Too many chats" },
  too_many_keys: { status: 409, title: "Too many access keys" },
  too_many_webhooks: { status: 409, title: "Too many webhooks" },
  webhook_off: { status: 409, title: "The webhook is off" },
  too_many_bots: { status: 409, title: "Too many bots" },
  too_many_hooks: { status: 409, title: "Too many incoming webhooks" },
  too_many_push_subscriptions: { status: 409, title: "Too many browsers ring" },
  person_blocked: { status: 409, title: "You have blocked this person" },
  too_many_blocks: { status: 409, title: "Too many blocked people" },
  owner_cannot_leave: { status: 409, title: "The owner cannot leave" },
  changed_meanwhile: { status: 409, title: "Changed meanwhile" },
  client_id_reused: { status: 409, title: "Client id used for another message" },
  message_deleted: { status: 409, title: "Message was deleted" },
  attachment_sent: { status: 409, title: "File was sent" },
  upload_incomplete: { status: 409, title: "Upload is not complete" },
  wrong_offset: { status: 409, title: "Part in the wrong place" },
  too_many_uploads: { status: 409, title: "Too many uploads" },
  too_many_reactions: { status: 409, title: "Too many different reactions" },
  answer_ended: { status: 409, title: "Answer has ended" },
  answer_running: { status: 409, title: "An answer is running" },
  invalid_link: { status: 410, title: "The link does not work" },
  too_large: { status: 413, title: "Too large" },
  unsupported_media_type: { status: 415, title: "Wrong media type" },
  invalid: { status: 422, title: "Invalid input" },
  infected: { status: 422, title: "Malware was found" },
  flood: { status: 429, title: "Too many requests" },
  rate_limited: { status: 429, title: "Rate limit exceeded" },
  quota_exceeded: { status: 429, title: "Quota exceeded" },
  internal: { status: 500, title: "Internal error" },
  bot_not_configured: { status: 503, title: "No model is configured" },
  mail_not_configured: { status: 503, title: "No mail server is configured" },
  store_full: { status: 507, title: "No space for files" },
  unavailable: { status: 503, title: "Temporarily unavailable" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problemCatalogue;

/** RFC 9457 §3.1.1: `type` is a URI reference; its last part is the code that `error` frames carry. */
const problemTypeBase = "/problems/";

export const FieldError = z
  .object({
    pointer: z.string().meta({ description: "JSON Pointer (RFC 6901) to the invalid member" }),
    detail: z.string(),
  })
  .meta({ id: "FieldError" });
export type FieldError = z.infer<typeof FieldError>;

export const ProblemBody = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: "A sentence that can be shown to a person" }),
    instance: z.string(),
    errors: z.array(FieldError).optional(),
    ticket: z.string().optional().meta({
      description: "With `mfa_required` only: for `POST /api/auth/login/totp`",
    }),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details" });
export type ProblemBody = z.infer<typeof ProblemBody>;

/** An expected refusal, thrown by actions and middleware. Bugs are other exceptions. */
export class Problem extends Error {
  readonly code: ProblemCode;
  /** A sentence for a person. */
  readonly detail: string;
  readonly errors: FieldError[] | undefined;
  /** Seconds to wait before another try, as an integer. */
  readonly retryAfterSeconds: number | undefined;
  /** See {@link ProblemBody}. */
  readonly ticket: string | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    more: {
      errors?: FieldError[];
      retryAfterSeconds?: number;
      ticket?: string;
      cause?: unknown;
    } = {},
  ) {
    super(`${code}: ${detail}`, { cause: more.cause });
    this.name = "Problem";
    this.code = code;
    this.detail = detail;
    this.errors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.ticket = more.ticket;
  }

  get status() {
    return problemCatalogue[this.code].status;
  }

  /** Makes the problem+json body. @param instance the path of the request */
  toBody(instance: string): ProblemBody {
    const { status, title } = problemCatalogue[this.code];
    const body: ProblemBody = {
      type: problemTypeBase + this.code,
      title,
      status,
      detail: this.detail,
      instance,
    };
    if (this.errors) body.errors = this.errors;
    if (this.ticket !== undefined) body.ticket = this.ticket;
    return body;
  }
}

/**
 * Turns zod's issues into the problem `invalid`. `detail` names the first issue; `errors` lists all of them.
 * @param words rewords an issue
 */
export function invalidInput(error: z.core.$ZodError, words = plainWords): Problem {
  const errors = error.issues.map((issue) => ({
    pointer: issue.path.map((part) => "/" + pointerPart(part)).join(""),
    detail: words(issue),
  }));
  const first = errors[0];
  const name = first?.pointer.slice(1).replaceAll("/", ".");
  const detail = name
    ? `${name}: ${first?.detail}`
    : `The input ${first?.detail ?? "is not valid"}`;
  return new Problem("invalid", detail, { errors });
}

function pointerPart(part: PropertyKey): string {
  return String(part).replaceAll("~", "~0").replaceAll("/", "~1");
}
