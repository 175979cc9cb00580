import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addJob } from "../../src/jobs/queries.ts";
import { expectProblem } from "../http/refusals.ts";
import { CapturedLog } from "../world/captured.ts";
import { tokenOf } from "../world/mailbox.ts";
import { startWorld } from "../world/world.ts";
import { another, useAccountMail } from "./use-account-mail.ts";

const { mailbox, log, world, registered, forgot } = await useAccountMail();

describe("the mail server", () => {
  test("that refuses for a moment is asked again", async () => {
    const { email } = await registered();
    mailbox.refuse(2);
    await forgot(email);
    expect(tokenOf(await mailbox.mailTo(email, 2))).toBeString();
    const links = await world.sql`
      select from mail_links l join users u on u.id = l.user_id where u.email = ${email} and purpose = 'reset_password'
    `;
    expect(links).toHaveLength(1);
  });

  test("gets a mail that waited while the server was down, whose job has neither a link nor a text", async () => {
    const { email } = await registered();
    await mailbox.mailTo(email);
    let stored = "";
    await world.restart(async () => {
      const payload = { kind: "reset_password", email };
      await addJob(world.sql, { kind: "mail", payload });
      stored = JSON.stringify([...(await world.sql`select payload from jobs`)]);
    });
    expect(JSON.parse(stored)).toEqual([{ payload: { kind: "reset_password", email } }]);
    expect(tokenOf(await mailbox.mailTo(email, 2))).toBeString();
    await world.jobs.idle();
    expect(await world.sql`select from jobs where dead_at is null`).toHaveLength(0);
  });

  test("that goes on refusing is given up on, and the log has neither the address nor the link", async () => {
    const { email } = await registered();
    mailbox.refuse(3);
    await forgot(email);
    const line = await log.find({ msg: "a mail was given up" });
    expect(line).toMatchObject({ level: 50, kind: "reset_password" });
    expect(JSON.stringify(line)).not.toContain("#/reset-password");
    await world.jobs.idle();
    const dead = await world.sql`select payload, order_key from jobs where dead_at is not null`;
    expect([...dead]).toEqual([{ payload: {}, order_key: null }]);
    const other = await registered();
    expect(other.email).toBeString();
  });
});

describe("without a mail server", () => {
  const maillessLog = new CapturedLog();
  let mailless: Awaited<ReturnType<typeof startWorld>>;
  beforeAll(async () => {
    mailless = await startWorld({ durations: { mailRetryMs: [1, 1] }, logTo: maillessLog });
  });
  afterAll(() => mailless.stop());

  test("the endpoints say so", async () => {
    const ann = await mailless.person("ann");
    const answers = [
      await ann.api("POST", "/api/auth/email", { email: "new@example.com" }),
      await mailless.call("POST", "/api/auth/email/verify", { token: "x" }),
      await mailless.call("POST", "/api/auth/password/forgot", { email: ann.email }),
      await mailless.call("POST", "/api/auth/password/reset", { token: "x", password: another }),
    ];
    for (const answer of answers) expectProblem(answer, 503, "mail_not_configured");
  });

  test("mails that wait from the time when there was one are given up, and their addresses go", async () => {
    const payload = { kind: "reset_password", email: "waiting@example.com" };
    await addJob(mailless.sql, { kind: "mail", orderKey: "mail:waiting", payload });
    mailless.ctx.jobs.wake();
    await maillessLog.find({ msg: "a mail was given up", kind: "reset_password" });
    await mailless.jobs.idle();
    const left =
      await mailless.sql`select payload, dead_at is not null as is_dead, error from jobs`;
    expect([...left]).toEqual([{ payload: {}, is_dead: true, error: "no mail server is set up" }]);
  });
});

test("in development the mail is written into the log", async () => {
  const written = new CapturedLog();
  const dev = await startWorld({ env: { NODE_ENV: "development" }, logTo: written });
  try {
    const ann = await dev.person("ann");
    await dev.call("POST", "/api/auth/password/forgot", { email: ann.email });
    const line = await written.find({ to: ann.email });
    expect(String(line.msg)).toContain("http://localhost:0/#/reset-password/");
  } finally {
    await dev.stop();
  }
});
