// dbmate, the program that applies migrations, and the folder of the migrations. Both are in the sources, or beside the
// compiled executable, in which `import.meta.dir` is no real folder (https://bun.sh/docs/bundler/executables).
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { resolveBinary } from "dbmate";

const runTimeoutMs = 10 * 60_000;

/** db/migrations of the repository, or the one beside the compiled executable. */
export const defaultMigrationsDir = Bun.isStandaloneExecutable
  ? join(dirname(process.execPath), "db/migrations")
  : join(import.meta.dir, "../../../db/migrations");

/**
 * The path of dbmate: from the npm package, or beside the compiled executable. Undefined where it is not installed, as in an
 * image that only serves.
 */
export function findDbmate(): string | undefined {
  if (Bun.isStandaloneExecutable) {
    const beside = join(dirname(process.execPath), "dbmate");
    return existsSync(beside) ? beside : undefined;
  }
  try {
    return resolveBinary();
  } catch {
    return undefined;
  }
}

export interface DbmateRun {
  /** The path from findDbmate. */
  program: string | undefined;
  migrationsDir: string;
  databaseUrl?: string;
}

/**
 * Runs dbmate to its end.
 * @returns its output
 * @throws Error with the name of the migration and the database's message; when dbmate is not installed; when it takes longer
 * than 10 minutes
 */
export async function runDbmate(
  args: string[],
  { program, migrationsDir, databaseUrl }: DbmateRun,
): Promise<string> {
  if (program === undefined) {
    throw new Error("dbmate is not installed here: use an installation of the sources.");
  }
  const child = Bun.spawn(
    // The schema file would need a pg_dump of the server's version.
    [
      program,
      "--env-file",
      "/dev/null",
      "--no-dump-schema",
      "--migrations-dir",
      migrationsDir,
      ...args,
    ],
    {
      // The address has a password, and every user of the machine can see the arguments of a process.
      env: {
        HOME: homedir(),
        ...(databaseUrl && { DATABASE_URL: withSslMode(databaseUrl) }),
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: runTimeoutMs,
    },
  );
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) === 0) return output;

  const fault = child.signalCode
    ? `dbmate did not end within ${runTimeoutMs / 60_000} minutes`
    : errors.trim().replace(/^Error: /, "");
  // dbmate prints "Applied" also for the migration that failed, which is the last one that it began.
  const name = namesIn(output, /^(?:Applying|Rolling back): (\S+)/gm).at(-1);
  throw new Error(name ? `Migration ${name} failed: ${fault}` : `Migrating failed: ${fault}`);
}

/** All matches of a pattern's first group in dbmate's output. */
export function namesIn(output: string, pattern: RegExp): string[] {
  return [...output.matchAll(pattern)].map(([, name = ""]) => name);
}

/** Without `sslmode` dbmate requires TLS and postgres.js uses none: both should do the same. */
function withSslMode(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  if (!url.searchParams.has("sslmode")) url.searchParams.set("sslmode", "disable");
  return url.href;
}
