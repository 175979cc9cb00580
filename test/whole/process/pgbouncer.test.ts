// The server, its migrations and its commands behind a real PgBouncer in transaction mode.
import { afterAll, describe, expect } from "bun:test";
import { join } from "node:path";
import postgres from "postgres";
import { borrowDatabase, emptyDatabase } from "../../world/cluster.ts";
import { longTest } from "../../world/long.ts";
import { hasPgbouncer, type Pgbouncer, startPgbouncer } from "../../world/pgbouncer.ts";
import { WebhookReceiver } from "../../world/webhook-receiver.ts";
import { processes, signUp } from "../../world/process.ts";

const { dataDir, end, folder, start } = processes();
const bouncers: Pgbouncer[] = [];
const receiver = new WebhookReceiver();
afterAll(async () => {
  await end();
  await receiver.stop();
  for (const bouncer of bouncers) await bouncer.stop();
});

async function behindPgbouncer(direct: string) {
  const bouncer = await startPgbouncer(direct);
  bouncers.push(bouncer);
  const members = "?sslmode=prefer&channel_binding=prefer&connection_limit=5";
  const env = {
    DATABASE_URL: `${bouncer.url}${members}`,
    DATA_DIR: dataDir(),
    SECRET_KEY: "k".repeat(40),
    WEBHOOK_ALLOW: "127.0.0.1",
  };
  return { env, admin: postgres(direct, { max: 1, onnotice: () => {} }) };
}

describe.skipIf(!hasPgbouncer)("behind PgBouncer in transaction mode", () => {
  longTest(
    "two servers that start at once migrate once, store everything that they acknowledge while server connections are cut, and start again",
    async () => {
      const { env, admin } = await behindPgbouncer(await emptyDatabase());
      const [one, two] = await Promise.all([start(env), start({ ...env, DATA_DIR: dataDir() })]);
      expect(`${one.output}${two.output}`.match(/migrated the database/g)).toHaveLength(1);
      expect(one.output).toContain("left out: channel_binding, connection_limit");
      expect(one.output).toContain("behind a connection pooler");

      const anna = await signUp(one, "anna");
      const { body: chat } = await anna.api(one, "POST", "/api/chats", { is_group: true });
      const socket = await anna.joined(one, chat.id);
      const path = `/api/chats/${chat.id}/messages`;
      const acknowledged = new Set<number>();
      let isRefused = false;
      const send = async (sender: number) => {
        for (let n = 0; n < 40; n += 1) {
          const message = { content: `${sender}-${n}`, client_id: `${sender}-${n}` };
          let answer = await anna.api(one, "POST", path, message);
          while (answer.status === 503) {
            isRefused = true;
            answer = await anna.api(one, "POST", path, message);
          }
          expect(answer.status).toBe(200);
          acknowledged.add(answer.body.seq);
        }
      };
      const sending = Promise.all(Array.from({ length: 8 }, (_, sender) => send(sender)));
      const senders = sending.then(() => "done");
      while (!isRefused && Bun.peek.status(senders) === "pending") {
        await admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()
      `;
      }
      await sending;
      expect(isRefused).toBe(true);
      expect([...acknowledged].toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 320 }, (_, n) => n + 1),
      );
      await socket.next("message", { seq: 320 });
      const hook = receiver.path();
      const webhook = { url: hook.url, events: ["chat.updated"] };
      await anna.api(one, "POST", `/api/chats/${chat.id}/webhooks`, webhook);
      for (const name of ["one", "two"])
        await anna.api(two, "PATCH", `/api/chats/${chat.id}`, { name });
      const told = await receiver.untilAt(hook.path, 2);
      expect(told.map(({ data }) => data.seq)).toEqual([321, 322]);
      expect(socket.ofType("message").map(({ seq }) => seq)).toEqual(
        Array.from({ length: 320 }, (_, n) => n + 1),
      );

      expect(await one.stop()).toBe(0);
      const again = await start(env);
      const history = await anna.api(again, "GET", `${path}?limit=5`);
      expect(history.status).toBe(200);
      expect([await again.stop(), await two.stop()]).toEqual([0, 0]);
      const locks = await admin`
      select 1 from pg_locks
      where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
    `;
      expect(locks).toHaveLength(0);
      await admin.end();
    },
    90_000,
  );

  longTest(
    "a chat that somebody keeps locked is refused after 2 s, and others are not delayed",
    async () => {
      const { env, admin } = await behindPgbouncer(await borrowDatabase());
      const server = await start(env);
      const anna = await signUp(server, "anna");
      const chatOf = async () =>
        (await anna.api(server, "POST", "/api/chats", { is_group: true })).body.id;
      const [locked, free] = [await chatOf(), await chatOf()];
      const send = (id: number) =>
        anna.api(server, "POST", `/api/chats/${id}/messages`, { content: "hello" });
      await admin`begin`;
      await admin`select id from chats where id = ${locked} for update`;
      const refused = await send(locked);
      expect(refused.status).toBe(503);
      expect((await send(free)).status).toBe(200);
      await admin`rollback`;
      expect((await send(locked)).status).toBe(200);
      expect(await server.stop()).toBe(0);
      await admin.end();
    },
  );

  longTest("a backup is taken and restored", async () => {
    const { env, admin } = await behindPgbouncer(await borrowDatabase());
    const { env: target, admin: restored } = await behindPgbouncer(await emptyDatabase());
    await admin`insert into users (username, email, hashed_password) values ('anna', 'a@example.com', 'x')`;
    const runDb = async (environment: Record<string, string>, ...args: string[]) => {
      const child = Bun.spawn(
        [process.execPath, join(import.meta.dir, "../../../db/cli.ts"), ...args],
        { cwd: folder, env: environment, stdout: "pipe", stderr: "pipe" },
      );
      return [await child.stdout.text(), await child.stderr.text()];
    };
    expect(await runDb(env, "backup", "bounced.sql.gz")).toEqual([
      "saved 1 users, 0 chats, 0 messages\nto bounced.sql.gz\nsaved 0 files\nto bounced.files.tar\n",
      "",
    ]);
    const [said, complained] = await runDb(target, "restore", "bounced.sql.gz");
    expect(complained).toBe("");
    expect(said).toStartWith("restored 1 users, 0 chats, 0 messages\n");
    expect([...(await restored`select username from users`)]).toEqual([{ username: "anna" }]);
    await admin.end();
    await restored.end();
  });
});
