// Registration, and the sign-in that begins a session.
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import {
  findUserWithPassword,
  insertUser,
  replaceHash,
  type UserWithPassword,
} from "./user-queries.ts";
import type { MailQueue } from "../mail/mail.ts";
import { isReservedUsername } from "../wire/mentions.ts";
import { Problem } from "../wire/problems.ts";
import type { LoginInput, RegisterInput, Tokens, User } from "../wire/users.ts";
import type { Source } from "../audit/queries.ts";
import { record } from "../audit/audit.ts";
import type { Passwords } from "./passwords.ts";
import { beginSession } from "./begin-session.ts";
import { secondFactorRequired } from "./sign-in-tickets.ts";

/**
 * A stored hash may be replaced while it is verified: by another password, or by a stronger hash of the same one. Then the password is
 * verified once more.
 */
const signInTries = 2;

/** Registers a person, who is sent a link that verifies the address. @throws Problem `username_taken`, `email_taken` (without regard to case), `unavailable` */
export async function register(
  ctx: Ctx,
  { passwords, mail }: { passwords: Passwords; mail: MailQueue },
  input: RegisterInput,
  source: Source,
): Promise<User> {
  if (isReservedUsername(input.username)) throw usernameTaken(input.username);
  const hashedPassword = await passwords.hash(input.password);
  try {
    const isMailed = mail.isOn;
    const user = await insertUser(ctx.sql, { ...input, hashedPassword, source, isMailed });
    if (isMailed) ctx.jobs.wake();
    return user;
  } catch (error) {
    const constraint = databaseError(error)?.constraint;
    if (constraint === "users_username_key") throw usernameTaken(input.username);
    if (constraint === "users_email_key") {
      throw new Problem("email_taken", "Somebody has registered with this email address already.");
    }
    throw error;
  }
}

function usernameTaken(username: string): Problem {
  return new Problem("username_taken", `The username ${username} is taken. Choose another.`);
}

/**
 * Begins a session.
 * @throws Problem `invalid_credentials`, the same for an unknown user and a wrong password, `mfa_required` if a code has to follow
 */
export async function login(
  ctx: Ctx,
  passwords: Passwords,
  input: LoginInput,
  source: Source,
): Promise<Tokens> {
  let user: UserWithPassword | undefined;
  for (let n = 0; n < signInTries; n += 1) {
    user = await findUserWithPassword(ctx.sql, input.username);
    if (!(await passwords.verify(input.password, user?.hashed_password)) || !user) break;
    const verified = passwords.isWeak(user.hashed_password)
      ? await renewHash(ctx, passwords, user, input.password)
      : user;
    if (verified?.totp_enabled) throw await secondFactorRequired(ctx, verified);
    const tokens = verified && (await beginSession(ctx, verified, source));
    if (tokens) return tokens;
  }
  throw await refusedLogin(ctx, user, source);
}

/** Records a failed sign-in. An unknown name is not recorded: it may be a password, typed into the wrong field. */
async function refusedLogin(
  ctx: Ctx,
  user: UserWithPassword | undefined,
  source: Source,
): Promise<Problem> {
  await record(ctx, {
    action: "sign_in",
    outcome: "invalid_credentials",
    actor: undefined,
    target: user && `user:${user.id}`,
    details: user ? { username: user.username } : {},
    source,
  });
  return new Problem("invalid_credentials", "The username or the password is wrong.");
}

/**
 * Replaces a weak hash while the password is known. A failure keeps nobody from signing in: the next sign-in tries again.
 * @returns the user with the hash that is stored now; undefined if it is another one than was verified
 */
async function renewHash(
  ctx: Ctx,
  passwords: Passwords,
  user: UserWithPassword,
  password: string,
): Promise<UserWithPassword | undefined> {
  try {
    const newHash = await passwords.hash(password);
    const change = { id: user.id, oldHash: user.hashed_password, newHash };
    if (await replaceHash(ctx.sql, change)) return { ...user, hashed_password: newHash };
    return undefined;
  } catch (error) {
    ctx.log.warn({ err: error, userId: user.id }, "a weak password hash could not be replaced");
    return user;
  }
}
