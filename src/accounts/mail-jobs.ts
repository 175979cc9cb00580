import type { Fragment, Sql } from "../database/connect.ts";
import { insertJob } from "../jobs/queries.ts";
import { mailKind } from "../mail/mail.ts";

/**
 * The SQL that stores a job which ends in a mail, as a part of the statement that causes it. Mails to one address are sent one after the other,
 * so that the links of an hour can be counted.
 * @param job.payload a MailJob
 * @param from see insertJob
 */
export function insertMailJob(
  sql: Sql,
  { payload, email }: { payload: Fragment; email: Fragment },
  from: Fragment = sql``,
): Fragment {
  return insertJob(
    sql,
    { kind: mailKind, payload, orderKey: sql`'mail:' || md5(lower(${email}))` },
    from,
  );
}
