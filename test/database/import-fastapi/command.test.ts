// The command `bun run db:import-fastapi`.
import { afterAll, expect, setDefaultTimeout } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { borrowDatabase, giveBackDatabase } from "../../world/cluster.ts";
import { fastapiDatabase } from "../../world/fastapi-database.ts";
import { longTest } from "../../world/long.ts";
import { runProgram } from "../../world/program.ts";
import { everything, using } from "../../world/rows.ts";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "gemini-coop import "));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runCommand = (databaseUrl: string, ...args: string[]) =>
  runProgram("src/cli.ts", ["db:import-fastapi", ...args], {
    cwd: folder,
    env: { DATABASE_URL: databaseUrl },
  });

longTest(
  "the command lists what it leaves out, says how much it took, and shows its progress on stderr",
  async () => {
    const target = await borrowDatabase();
    const from = await fastapiDatabase("sqlite", folder, {
      users: [{ id: 1, username: "ann\u001b[2J", email: "a@example.com", hashed_password: "x" }],
      chats: [{ id: 1, name: "Physics", created_by: 1 }],
      chat_participants: [{ chat_id: 1, user_id: 1 }],
      messages: [
        { id: 1, chat_id: 1, user_id: 1, content: "hello" },
        { id: 2, chat_id: 2, user_id: 1, content: "lost" },
      ],
    });
    try {
      const before = await everything(target);
      const listed = [
        'users 1: taken, but its password hash is not one of bcrypt: nobody can sign in; the username "ann\\u001b[2J" becomes "ann_2J"',
        "messages 2: left out: there is no such chat",
      ];
      const counted = "1 users, 1 chats, 1 messages\nrows left out: 1; taken with a change: 1\n";
      const dry = await runCommand(target, "--dry-run", from);
      expect(dry.stdout).toBe(
        `${listed.join("\n")}\ndry run, nothing was written: it would have imported ${counted}`,
      );
      expect(dry.code).toBe(0);
      expect(await everything(target)).toEqual(before);

      for (const args of [[], [from, "--dryrun"], ["--dry-run"], [from, "--dry-run", "more"]]) {
        const refused = await runCommand(target, ...args);
        expect([args, refused.code > 0, refused.stdout]).toEqual([args, true, ""]);
      }

      const real = await runCommand(target, from);
      expect(real.stdout).toBe(`${listed.join("\n")}\nimported ${counted}`);
      expect(real.stderr).toContain(
        "not taken over: alembic_version, message_read_receipts.read_at\n",
      );
      expect(real.stderr).toContain("messages: all 2 rows read\n");
      const users = await using(target, (sql) => sql`select hashed_password from users`);
      expect(users[0]?.hashed_password).toStartWith("$argon2id$");

      const again = await runCommand(target, from);
      expect([again.code, again.stdout]).toEqual([1, ""]);
      expect(again.stderr).toContain("Failed: The database has rows already");
    } finally {
      await giveBackDatabase(target);
    }
  },
);
