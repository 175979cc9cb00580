// Connections by TLS to a real PostgreSQL, with certificates that the test makes.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { chmodSync, chownSync, cpSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { isDatabaseAway } from "../../src/database/connect.ts";
import { migrate, migrationStates } from "../../src/database/migrations/migrate.ts";
import { openPool } from "../../src/database/pooler.ts";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../src/embedded-postgres/embedded-postgres.ts";
import { deadlineMs, embeddedWorld, log, query, until } from "../world/embedded.ts";
import { longTest, test } from "../world/long.ts";

const openssl = Bun.which("openssl");
if (!openssl) console.warn("The tests of TLS are skipped where openssl is not installed.");

const { openDir, seededDir } = embeddedWorld();
let postgres: EmbeddedPostgres;
/** The authority's certificate, and that of another one. */
let authority: string;
let stranger: string;

function makeCertificate(dir: string, name: string, ...args: string[]): void {
  const files = ["-keyout", join(dir, `${name}.key`), "-out", join(dir, `${name}.crt`)];
  const made = Bun.spawnSync(
    [
      openssl ?? "",
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
    ].concat(["-nodes", "-days", "2", "-subj", `/CN=${name}`], args, files),
  );
  if (!made.success) throw new Error(made.stderr.toString());
}

beforeAll(async () => {
  if (!openssl) return;
  const certificates = openDir("certificates");
  makeCertificate(certificates, "stranger");
  makeCertificate(certificates, "server", "-addext", "subjectAltName=DNS:localhost");
  stranger = join(certificates, "stranger.crt");
  authority = join(certificates, "server.crt");

  const dataDir = await seededDir("tls");
  postgres = await startEmbeddedPostgres({ dataDir, log });
  const dir = join(dataDir, "postgres");
  const { uid, gid } = statSync(dir);
  for (const name of ["server.crt", "server.key"]) {
    cpSync(join(certificates, name), join(dir, name));
    chownSync(join(dir, name), uid, gid);
    chmodSync(join(dir, name), 0o600);
  }
  await query(postgres.url, "alter system set ssl = on");
  await query(postgres.url, "select pg_reload_conf()");
  const isOn = async () => (await query(postgres.url, "show ssl"))[0]?.ssl === "on";
  await until(isOn);
}, deadlineMs);
afterAll(() => postgres?.stop(), deadlineMs);

/** How a connection to an address is encrypted, or why there is none. */
async function encryption(members: string, host = "localhost"): Promise<string> {
  const url = `${postgres.url.replace("127.0.0.1", host)}?${members}`;
  try {
    const sql = await openPool(parseDatabaseUrl(url), log);
    const [row] = await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
    await sql.end({ timeout: 1 });
    return row?.ssl ? "encrypted" : "plain";
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
    return "refused";
  }
}

describe.skipIf(!openssl)("sslmode", () => {
  test("decides whether the connection is encrypted, and whether the server is verified", async () => {
    const root = () => `&sslrootcert=${encodeURIComponent(authority)}`;
    const other = () => `&sslrootcert=${encodeURIComponent(stranger)}`;
    const expected: [members: string, result: string][] = [
      ["sslmode=disable", "plain"],
      ["sslmode=allow", "encrypted"],
      ["sslmode=prefer", "encrypted"],
      ["sslmode=require", "encrypted"],
      ["ssl=true", "encrypted"],
      [`sslmode=require${root()}`, "encrypted"],
      [`sslmode=require${other()}`, "refused"],
      [`sslmode=verify-ca${root()}`, "encrypted"],
      [`sslmode=verify-ca${other()}`, "refused"],
      ["sslmode=verify-ca", "refused"],
      [`sslmode=verify-full${root()}`, "encrypted"],
      [`sslmode=verify-full${other()}`, "refused"],
      ["sslmode=verify-full", "refused"],
      ["sslrootcert=system", "refused"],
    ];
    for (const [members, result] of expected) {
      expect([members, await encryption(members)]).toEqual([members, result]);
    }
  });

  test("verify-full wants the host's name in the certificate, verify-ca doesn't", async () => {
    const root = `sslrootcert=${encodeURIComponent(authority)}`;
    expect(await encryption(`sslmode=verify-full&${root}`, "127.0.0.1")).toBe("refused");
    expect(await encryption(`sslmode=verify-ca&${root}`, "127.0.0.1")).toBe("encrypted");
  });

  longTest("counts for migrations as well", async () => {
    const url = postgres.url.replace("127.0.0.1", "localhost");
    for (const members of [
      "sslmode=prefer",
      `sslmode=verify-full&sslrootcert=${encodeURIComponent(authority)}`,
    ]) {
      const address = parseDatabaseUrl(
        `${url.replace("gemini_coop", crypto.randomUUID())}?${members}`,
      );
      expect((await migrate(address, { log })).length).toBeGreaterThan(0);
      const states = await migrationStates(address, { log });
      expect(states.every(({ applied }) => applied)).toBe(true);
    }
    const refused = parseDatabaseUrl(
      `${url}?sslmode=verify-full&sslrootcert=${encodeURIComponent(stranger)}`,
    );
    await expect(migrate(refused, { log })).rejects.toThrow(
      /cannot be migrated now: .*certificate/,
    );
  });
});

test("a server without TLS is used by prefer, and refused by require in words", async () => {
  const plain = createServer((socket) => socket.once("data", () => socket.end("N"))).listen(
    0,
    "127.0.0.1",
  );
  await new Promise((resolve) => plain.once("listening", resolve));
  const address = plain.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const required = parseDatabaseUrl(`postgres://ann@127.0.0.1:${port}/x?sslmode=require`);
  await expect(migrate(required, { log })).rejects.toThrow(
    /does not support TLS, which sslmode requires/,
  );
  plain.close();
});
