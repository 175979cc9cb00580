// A real PgBouncer in transaction mode, before the PostgreSQL of the tests or another one.
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unprivilegedAccount } from "../../src/embedded-postgres/binaries.ts";
import { freePort } from "../../src/embedded-postgres/postmaster.ts";

const program = Bun.which("pgbouncer", { PATH: `${process.env.PATH}:/usr/sbin` });
const startTimeoutMs = 10_000;

/** Whether PgBouncer is installed here; it says so when it isn't. */
export const hasPgbouncer = program !== null;
if (!hasPgbouncer) console.warn("The tests with PgBouncer are skipped where it is not installed.");

export type Pgbouncer = Awaited<ReturnType<typeof startPgbouncer>>;

/**
 * Starts one on a free port of 127.0.0.1 and ::1, and on a Unix socket. It knows no start-up parameter but those that it
 * always knows.
 * @param settings of its section [pgbouncer]
 */
export async function startPgbouncer(databaseUrl: string, settings: Record<string, string> = {}) {
  if (program === null) throw new Error("PgBouncer is not installed");
  const upstream = new URL(databaseUrl);
  const folder = mkdtempSync(join(tmpdir(), "gemini-coop-pgbouncer-"));
  const port = freePort();
  const all = {
    listen_addr: "127.0.0.1,::1",
    listen_port: String(port),
    unix_socket_dir: folder,
    auth_type: "plain",
    auth_file: join(folder, "users.txt"),
    pool_mode: "transaction",
    default_pool_size: "5",
    // The default of 15 s is the time after which a database that was missing is looked for again.
    server_login_retry: "1",
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  writeFileSync(join(folder, "users.txt"), `"${upstream.username}" "${upstream.password}"\n`);
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    `[databases]\n* = host=${upstream.hostname} port=${upstream.port}\n[pgbouncer]\n${lines.join("\n")}\n`,
  );
  // Like PostgreSQL it refuses to run as root.
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined;
  chmodSync(folder, 0o755);
  if (account) chownSync(folder, account.uid, account.gid);
  const child = Bun.spawn([program, join(folder, "pgbouncer.ini")], {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: "/",
    ...account,
  });
  const said = await untilUp(child.stderr);
  if (said !== undefined) throw new Error(`PgBouncer did not start:\n${said}`);

  const urlOf = (host: string, members = "") => {
    const { username, password, pathname } = upstream;
    return `postgres://${username}:${password}@${host}${pathname}${members}`;
  };
  return {
    url: urlOf(`127.0.0.1:${port}`),
    urlByIpv6: urlOf(`[::1]:${port}`),
    urlBySocket: urlOf("", `?host=${encodeURIComponent(folder)}&port=${port}`),
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @returns its output when it ended before it was up */
async function untilUp(stderr: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const up = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => up.resolve("it is not up in time"), startTimeoutMs);
  void (async () => {
    let text = "";
    const decoder = new TextDecoder();
    // The loop also reads later output, so that the pipe never fills up.
    for await (const bytes of stderr) {
      if (text.includes("process up")) continue;
      text += decoder.decode(bytes, { stream: true });
      if (text.includes("process up")) up.resolve(undefined);
    }
    up.resolve(text);
  })();
  return up.promise.finally(() => clearTimeout(timer));
}
