// Does the work that ends in a mail.
import { hashSecret, makeSecret } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import type { Mail, MailJob, MailTransport } from "../mail/mail.ts";
import { linkTtlSeconds } from "../wire/mail.ts";
import {
  identityLetter,
  resetLetter,
  takenLetter,
  verifyLetter,
  wasChangedLetter,
  wasResetLetter,
  webhookOffLetter,
} from "./letters.ts";
import { deleteLink, insertResetLink, insertVerifyLink } from "./queries.ts";
import { findWaysIn } from "./reset-queries.ts";

type DeliveringCtx = Pick<Ctx, "sql" | "config">;

/** Makes and sends the mail of a job. A job for nobody sends none. @throws Error of the database or the mail server: try again later */
export async function deliver(
  ctx: DeliveringCtx,
  transport: MailTransport,
  job: MailJob,
): Promise<void> {
  const token = makeSecret();
  const mail = await mailOf(ctx, job, token);
  if (!mail) return;
  try {
    await transport.send(mail);
  } catch (error) {
    // The next try makes another link, and no link that nobody was sent counts among those of the hour.
    await deleteLink(ctx.sql, hashSecret(token));
    throw error;
  }
}

async function mailOf(
  { sql, config }: DeliveringCtx,
  job: MailJob,
  token: string,
): Promise<Mail | undefined> {
  const link = { hash: hashSecret(token), ttlSeconds: linkTtlSeconds };
  const { publicUrl } = config;
  switch (job.kind) {
    case "verify_email": {
      const found = await insertVerifyLink(sql, job, link);
      if (!found) return undefined;
      const { email } = job;
      if (found.isTaken) return takenLetter({ email });
      return verifyLetter({ email, username: found.username, publicUrl, token });
    }
    case "reset_password": {
      const found = await insertResetLink(sql, job.email, link);
      return found && resetLetter({ ...found, publicUrl, token });
    }
    case "password_was_reset":
      return await wasReset({ sql, config }, job);
    case "email_was_changed":
      return wasChangedLetter({ ...job, newEmail: job.new_email });
    case "identity_was_linked":
      return identityLetter({ ...job, provider: nameOf(config, job.provider) });
    case "webhook_off":
      return webhookOffLetter(job);
  }
}

async function wasReset(
  { sql, config }: DeliveringCtx,
  job: Extract<MailJob, { kind: "password_was_reset" }>,
): Promise<Mail> {
  const { user_id: userId, was_verified: wasVerified = true } = job;
  if (userId === undefined || !wasVerified) return wasResetLetter({ ...job, wasVerified });
  const { identities, webhook_urls: urls } = await findWaysIn(sql, userId);
  const linked = identities.map(({ provider, label }) => `${label} (${nameOf(config, provider)})`);
  const webhooks = urls.map((url) => new URL(url).host);
  return wasResetLetter({ ...job, wasVerified, linked, webhooks });
}

/** The name of a provider, or its id if it is not set up any more. */
const nameOf = ({ signIn }: DeliveringCtx["config"], provider: string) =>
  signIn.providers.find(({ id }) => id === provider)?.name ?? provider;
