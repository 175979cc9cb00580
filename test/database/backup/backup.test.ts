import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
} from "bun:test";
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { backUp } from "../../../src/database/backup/backup.ts";
import { defaultMigrationsDir } from "../../../src/database/migrations/dbmate.ts";
import { migrate } from "../../../src/database/migrations/migrate.ts";
import { restore } from "../../../src/database/backup/restore.ts";
import {
  borrowDatabase,
  dropDatabase,
  emptyDatabase,
  giveBackDatabase,
} from "../../world/cluster.ts";
import { longTest, test } from "../../world/long.ts";
import { everything, using } from "../../world/rows.ts";
import { fill } from "../../world/schema.ts";

const log = pino({ level: "silent" });
setDefaultTimeout(30_000);

const contents = [
  "tab\t, newline\n, return\r, \\ backslash, \\n, \\N, \\\\.",
  "\\.",
  "\\N",
  "\b\f\v\u0001\u007f",
  "\u2028 \u2029 \u0085 \ufeff",
  "👩‍🚀 量子 naïve 🙂",
  "1\t2\n\\.\nselect 'x'; -- \"quoted\" 'too' $$",
  "x".repeat(16_000),
];

let folder: string;
let source: string;
/** A backup of the source. */
let file: string;
let target: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gemini-coop backup "));
  chmodSync(folder, 0o755);
  source = await borrowDatabase();
  await using(source, async (sql) => {
    await fill(sql);
    await sql`
      insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal, client_id)
      select 2, 2, content, n, n, n, 'client ' || n
      from unnest(${contents}::text[]) with ordinality as given (content, n)
    `;
    await sql`
      insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
      select 2, 2, 'one of many ' || n, n, n, n from generate_series(100, 1_300) as n
    `;
  });
  file = join(folder, "backup.sql.gz");
  await backUp(parseDatabaseUrl(source), file, "1.2.3");
});

afterAll(async () => {
  await giveBackDatabase(source);
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => void (target = await emptyDatabase()));
afterEach(() => giveBackDatabase(target));

/** All rows, without the sequences. */
async function rowsOf(url: string): Promise<string[]> {
  const found = Object.entries(await everything(url));
  return found.flatMap(([name, rows]) => (name.endsWith("_seq") ? [] : rows));
}

/** A copy of the backup with another text, whose hash may be made to fit again. */
function changed(name: string, change: (text: string) => string, resealed: boolean): string {
  const text = change(gunzipSync(readFileSync(file)).toString("utf8"));
  const body = text.slice(0, text.lastIndexOf("-- end of the backup"));
  const hash = new Bun.CryptoHasher("sha256").update(body).digest("hex");
  const path = join(folder, name);
  const sealed = `${body}-- end of the backup, sha256 of all above: ${hash}\n`;
  writeFileSync(path, gzipSync(resealed ? sealed : text));
  return path;
}

/** The real migrations and one more. */
function moreMigrations(up: string, down: string): string {
  const dir = mkdtempSync(join(folder, "migrations "));
  cpSync(defaultMigrationsDir, dir, { recursive: true });
  const text = `-- migrate:up\n${up}\n\n-- migrate:down\n${down}\n`;
  writeFileSync(join(dir, "99990101000000_nicknames.sql"), text);
  return dir;
}

const nicknames: [string, string] = [
  "alter table users add column nickname text;\nupdate users set nickname = 'the ' || username;",
  "alter table users drop column nickname;",
];

describe("a backup", () => {
  test("restored into a database without anything has every row and every sequence as it was", async () => {
    const header = await restore(parseDatabaseUrl(target), file, { log });
    expect(header.version).toBe("1.2.3");
    expect(header.rows).toMatchObject({ users: 2, messages: 3 + contents.length + 1_201 });
    const restored = await everything(target);
    expect(restored).toEqual(await everything(source));
    const rows = await using(target, async (sql) => {
      await sql`insert into users (username, email, hashed_password) values ('carol', 'c@example.com', 'x')`;
      return sql`
        select (select max(id) from users) as newest,
          array(select content from messages where chat_id = 2 and seq < 100 order by seq) as contents,
          (select count(*) from pg_trigger where not tgisinternal and tgenabled <> 'O') as asleep
      `;
    });
    expect(rows.map((row) => ({ ...row }))).toEqual([{ newest: 3, contents, asleep: 0 }]);
  });

  longTest(
    "is taken and restored by the owner of a database, who need not rule over PostgreSQL",
    async () => {
      const role = `owner_${process.pid}`;
      const name = new URL(target).pathname.slice(1);
      await using(target, (sql) =>
        sql.unsafe(
          `create role ${role} login password 'x'; alter database ${name} owner to ${role}`,
        ),
      );
      const owned = new URL(target);
      [owned.username, owned.password] = [role, "x"];
      await restore(parseDatabaseUrl(owned.href), file, { log });
      await backUp(parseDatabaseUrl(owned.href), join(folder, "owned.sql.gz"), "1.2.3");
      expect(await everything(target)).toEqual(await everything(source));
      await dropDatabase(target);
      await using(source, (sql) => sql.unsafe(`drop role ${role}`));
    },
  );

  test("is its owner's alone, and never overwrites another", async () => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file);
    await expect(backUp(parseDatabaseUrl(source), file, "1.2.3")).rejects.toThrow(/exists already/);
    expect(readFileSync(file)).toEqual(before);
  });

  test("of a database that was never migrated is refused, and leaves no file behind", async () => {
    const path = join(folder, "nothing", "backup.sql.gz");
    await expect(backUp(parseDatabaseUrl(target), path, "1.2.3")).rejects.toThrow(
      /there is nothing to save/,
    );
    expect(readdirSync(join(folder, "nothing"))).toEqual([]);
  });

  longTest("that fails halfway leaves no file behind", async () => {
    const path = join(folder, "halfway", "backup.sql.gz");
    await migrate(parseDatabaseUrl(target), { log });
    await using(
      target,
      (sql) => sql`
        insert into users (username, email, hashed_password)
        select 'user' || n, 'user' || n || '@example.com', repeat('x', 1000) from generate_series(1, 20_000) n
      `,
    );
    await using(target, async (sql) => {
      const end = () => sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'gemini-coop backup' and query like 'select "id"%"hashed_password"%'
      `;
      await end();
      const refusal = backUp(parseDatabaseUrl(target), path, "1.2.3").then(
        () => "made",
        (error: unknown) => String(error),
      );
      while ((await end()).length === 0 && Bun.peek.status(refusal) === "pending");
      expect(await refusal).toMatch(/terminating connection|CONNECTION_CLOSED/);
    });
    expect(readdirSync(join(folder, "halfway"))).toEqual([]);
  });

  longTest(
    "of before a migration goes into a database that has had it, and is migrated then",
    async () => {
      const migrationsDir = moreMigrations(...nicknames);
      await migrate(parseDatabaseUrl(target), { log, migrationsDir });
      await restore(parseDatabaseUrl(target), file, { log, migrationsDir });
      const rows = await using(target, (sql) => sql`select nickname from users order by id`);
      expect(rows.map(({ nickname }) => nickname)).toEqual(["the alice", "the bob"]);
    },
  );
});

describe("refused, with nothing changed, is", () => {
  async function refusal(path: string): Promise<string> {
    const said = await restore(parseDatabaseUrl(target), path, { log }).then(
      () => "restored",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    expect(await everything(target)).toEqual({});
    return said;
  }
  const notWhole = /^The backup is not whole: it was cut off or changed/;
  const notOurs = /is no backup made by `bun run db:backup`\.$/;

  longTest("a backup that was cut off, wherever that was", async () => {
    const bytes = readFileSync(file);
    const path = join(folder, "cut.sql.gz");
    for (const part of [0.2, 0.5, 0.9, 0.999]) {
      writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * part)));
      expect(await refusal(path)).toMatch(notWhole);
    }
    const withoutEnd = (text: string) => text.slice(0, text.lastIndexOf("-- end of the backup"));
    expect(await refusal(changed("endless.sql.gz", withoutEnd, false))).toMatch(notWhole);
    const halfAnEnd = (text: string) => text.slice(0, -10);
    expect(await refusal(changed("half.sql.gz", halfAnEnd, false))).toMatch(notWhole);
  });

  test("a backup of which something was changed", async () => {
    const other = (text: string) => text.replace("one of many 700", "one of many 701");
    expect(await refusal(changed("other.sql.gz", other, false))).toMatch(notWhole);
    const longer = (text: string) => `${text}-- more\n`;
    expect(await refusal(changed("longer.sql.gz", longer, false))).toMatch(notWhole);
    const fewer = (text: string) => text.replace(/^.*one of many 700\t.*\n/m, "");
    expect(await refusal(changed("fewer.sql.gz", fewer, true))).toMatch(
      /does not have as many rows/,
    );
  });

  test("a file that is none of ours", async () => {
    const path = join(folder, "other.gz");
    for (const bytes of [
      Buffer.from(""),
      Buffer.from("hello"),
      gzipSync("hello\n"),
      gzipSync(""),
    ]) {
      writeFileSync(path, bytes);
      expect(await refusal(path)).toMatch(notOurs);
    }
    writeFileSync(path, gzipSync("-- Gemini Coop backup, format 2\n"));
    expect(await refusal(path)).toMatch(/is a backup of a newer release/);
    expect(await refusal(join(folder, "nowhere.gz"))).toMatch(/cannot be read: ENOENT/);
    expect(await refusal(folder)).toMatch(/cannot be read: EISDIR/);
  });

  longTest("a backup of a newer release", async () => {
    const newer = await emptyDatabase();
    await migrate(parseDatabaseUrl(newer), { log, migrationsDir: moreMigrations(...nicknames) });
    const path = join(folder, "newer.sql.gz");
    await backUp(parseDatabaseUrl(newer), path, "2.0.0");
    await giveBackDatabase(newer);
    expect(await refusal(path)).toMatch(
      /^The backup is of release 2\.0\.0, and has migrations that this release does not know \(99990101000000\)/,
    );
  });

  longTest("a database with rows, which stay as they are", async () => {
    const before = await everything(source);
    await expect(restore(parseDatabaseUrl(source), file, { log })).rejects.toThrow(
      /^The database has rows already \(.*users.*\), and a backup goes into an empty one only: set DATABASE_URL/,
    );
    expect(await everything(source)).toEqual(before);
  });

  longTest(
    "what PostgreSQL refuses, at the end of a table too: not one row is there, and the database is as new",
    async () => {
      const stranger = (text: string) =>
        text.replace(/^(\d+)\t2\t2\tone of many 700/m, "$1\t2\t99\t700");
      await expect(
        restore(parseDatabaseUrl(target), changed("stranger.sql.gz", stranger, true), { log }),
      ).rejects.toThrow(/^PostgreSQL refuses rows of messages: .*messages_user_id_fkey/);
      expect(await rowsOf(target)).toEqual([]);
      const nonsense = (text: string) => text.replace(/^1\talice\t/m, "one\talice\t");
      await expect(
        restore(parseDatabaseUrl(target), changed("nonsense.sql.gz", nonsense, true), { log }),
      ).rejects.toThrow(/^PostgreSQL refuses rows of users: invalid input syntax for type bigint/);
      expect(await rowsOf(target)).toEqual([]);
      await restore(parseDatabaseUrl(target), file, { log });
      expect(await everything(target)).toEqual(await everything(source));
    },
  );

  longTest("statements that somebody has put into the file: they are not run", async () => {
    const trap = (text: string) =>
      text.replace("\nbegin;\n", "\nbegin;\ncreate table trap (id int);\n");
    await restore(parseDatabaseUrl(target), changed("trap.sql.gz", trap, true), { log });
    expect(await everything(target)).toEqual(await everything(source));
  });
});
