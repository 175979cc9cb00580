// A server that sends mails, and the mailbox that receives them.
import { afterAll, expect } from "bun:test";
import { CapturedLog } from "../world/captured.ts";
import { startMailbox } from "../world/mailbox.ts";
import { useWorld } from "../world/world.ts";

export const password = "correct horse battery";
export const another = "another horse battery";

interface Registered {
  username: string;
  email: string;
}

/** To be called once, at the beginning of a file. */
export async function useAccountMail() {
  const mailbox = await startMailbox();
  const log = new CapturedLog();
  const world = useWorld({
    env: {
      SMTP_URL: mailbox.url,
      MAIL_FROM: "Gemini Coop <coop@example.com>",
      PUBLIC_URL: "https://chat.example.com/",
    },
    durations: { mailRetryMs: [1, 1] },
    logTo: log,
  });
  afterAll(() => mailbox.stop());
  let people = 0;

  async function registered(): Promise<Registered> {
    people += 1;
    const username = `mailed${people}`;
    const email = `${username}@example.com`;
    const { status } = await world.call("POST", "/api/auth/register", {
      username,
      email,
      password,
    });
    expect(status).toBe(200);
    await mailbox.mailTo(email);
    return { username, email };
  }

  const login = (username: string, typed = password) =>
    world.call("POST", "/api/auth/login", { username, password: typed });
  const forgot = (email: unknown) => world.call("POST", "/api/auth/password/forgot", { email });
  const reset = (token: string, next: unknown = another) =>
    world.call("POST", "/api/auth/password/reset", { token, password: next });
  const verify = (token: unknown) => world.call("POST", "/api/auth/email/verify", { token });

  return { mailbox, log, world, registered, login, forgot, reset, verify };
}
