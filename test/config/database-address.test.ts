import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { ConfigError, readConfig } from "../../src/config/config.ts";
import { type DatabaseAddress, parseDatabaseUrl } from "../../src/config/database-address.ts";

const folder = mkdtempSync(join(tmpdir(), "database-address-"));
const certificate = join(folder, "root.crt");
writeFileSync(certificate, "the text of a certificate");
afterAll(() => rmSync(folder, { recursive: true }));

const address = (url: string) => parseDatabaseUrl(url);

/** The faults of the setting, as the start prints them. */
function faultOf(url: string): string {
  try {
    readConfig({ DATABASE_URL: url });
    return "none";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
}

describe("an address has", () => {
  test.each<[what: string, url: string, expected: Partial<DatabaseAddress>]>([
    [
      "its user, password, host, port and database",
      "postgres://ann:secret@db.example.com:6543/chat",
      { user: "ann", password: "secret", host: "db.example.com", port: 6543, database: "chat" },
    ],
    ["the scheme postgresql, too", "postgresql://ann@db/chat", { user: "ann", host: "db" }],
    ["no more than a database", "postgres:///chat", { host: "localhost", port: 5432 }],
    ["the system's user by default", "postgres://db/chat", { user: userInfo().username }],
    ["no password", "postgres://ann@db/chat", { password: undefined }],
    ["an empty password", "postgres://ann:@db/chat", { user: "ann", password: "" }],
    [
      "percent-encoded characters",
      "postgres://a%40b:p%25%23%2F%3F%40%3A%20%C3%A9@db/my%2Fchat",
      { user: "a@b", password: "p%#/?@: é", database: "my/chat" },
    ],
    ["a password with colons", "postgres://ann:a:b:c@db/chat", { password: "a:b:c" }],
    ["other raw characters", "postgres://ann:a^b\\|&=+!é[@db/chat", { password: "a^b\\|&=+!é[" }],
    ["an IPv6 address in brackets", "postgres://ann@[::1]:6543/chat", { host: "::1", port: 6543 }],
    [
      "an IPv6 address without a port",
      "postgres://ann@[2001:db8::1]/chat",
      { host: "2001:db8::1" },
    ],
    [
      "the directory of a socket as a member",
      "postgresql:///chat?host=/var/run/postgresql&port=5433&user=ann",
      { host: "/var/run/postgresql", port: 5433, user: "ann" },
    ],
    [
      "the directory of a socket as its host",
      "postgresql://ann:secret@%2Fvar%2Frun%2Fpostgresql/chat",
      { host: "/var/run/postgresql", password: "secret" },
    ],
    [
      "members in the place of its parts",
      "postgres://x@y/z?user=ann&password=s%25&dbname=chat&host=db&port=1",
      { user: "ann", password: "s%", database: "chat", host: "db", port: 1 },
    ],
    ["white space around it", " postgres://ann@db/chat\n", { database: "chat" }],
    [
      "a plus sign that is no space",
      "postgres://ann@db/chat?application_name=a+b%20c",
      { applicationName: "a+b c" },
    ],
    [
      "a time limit of the connection",
      "postgres://db/x?connect_timeout=7",
      { connectTimeoutSeconds: 7 },
    ],
    [
      "no endless time limit",
      "postgres://db/x?connect_timeout=0",
      { connectTimeoutSeconds: undefined },
    ],
    ["Prisma's schema as it stands", "postgres://db/x?schema=My-App", { schemas: ["My-App"] }],
    [
      "a search path",
      'postgres://db/x?search_path=App,%20"My-App"',
      { schemas: ["app", "My-App"] },
    ],
    [
      "options of the server process",
      "postgres://db/x?options=endpoint%3Dep-1",
      { options: "endpoint=ep-1" },
    ],
    ["a pooler by its own word", "postgres://db/x?pgbouncer=true", { isPooled: true }],
  ])("%s", (_, url, expected) => {
    expect(address(url)).toMatchObject(expected);
    expect(address(url).ignored).toEqual([]);
  });

  test("members of libpq and of other drivers that are left out", () => {
    const members = [
      "channel_binding=require",
      "connection_limit=5",
      "pool_timeout=10",
      "gssencmode=disable",
      "target_session_attrs=read-write",
      "statement_cache_size=0",
      "keepalives=1",
      "statement_timeout=0",
      "prepareThreshold=0",
      "sslaccept=strict",
      "nonsense",
    ];
    const { ignored, tls } = address(`postgres://db/x?${members.join("&")}&sslmode=require&`);
    expect(ignored).toEqual(members.map((member) => member.split("=")[0] ?? ""));
    expect(tls.mode).toBe("require");
  });
});

describe("sslmode", () => {
  test.each<[members: string, mode: DatabaseAddress["tls"]["mode"]]>([
    ["", "disable"],
    ["sslmode=disable", "disable"],
    ["sslmode=allow", "prefer"],
    ["sslmode=prefer", "prefer"],
    ["sslmode=require", "require"],
    ["sslmode=no-verify", "require"],
    ["ssl=true", "require"],
    ["ssl=false", "disable"],
    ["sslmode=verify-ca", "verify-ca"],
    ["sslmode=verify-full", "verify-full"],
    ["sslrootcert=system", "verify-full"],
    ["sslmode=require&sslrootcert=system", "verify-full"],
    [`sslmode=require&sslrootcert=${certificate}`, "verify-ca"],
    [`sslmode=verify-full&sslrootcert=${certificate}`, "verify-full"],
    ["host=/run&sslmode=require", "disable"],
  ])("%s means %s", (members, mode) => {
    expect(address(`postgres://db/x?${members}`).tls.mode).toBe(mode);
  });

  test("takes certificates along", () => {
    const members = `sslmode=verify-full&sslrootcert=${certificate}&sslcert=${certificate}&sslkey=${certificate}`;
    const file = { path: certificate, text: "the text of a certificate" };
    expect(address(`postgres://db/x?${members}`).tls).toEqual({
      mode: "verify-full",
      rootCertificate: file,
      clientCertificate: file,
      clientKey: file,
    });
  });
});

describe("the start names the setting, never its value, when an address has", () => {
  const encoding = /percent-encoded \(% as %25, # as %23, \/ as %2F, \? as %3F, @ as %40/;
  test.each<[what: string, url: string, fault: RegExp]>([
    ["another scheme", "mysql://ann:hunter2@db/chat", /must begin with postgres:\/\//],
    ["a raw %", "postgres://ann:hunter2%@db/chat", encoding],
    ["a raw % before letters", "postgres://ann:hunter2%zz@db/chat", encoding],
    ["a % that is no UTF-8", "postgres://ann:hunter2%ff@db/chat", encoding],
    ["a raw #", "postgres://ann:hunter2#2@db/chat", encoding],
    ["a raw # after digits", "postgres://ann:12#hunter2@db/chat", encoding],
    ["a raw /", "postgres://ann:hunter2/2@db/chat", encoding],
    ["a raw / after digits", "postgres://ann:12/hunter2@db/chat", encoding],
    ["a raw ?", "postgres://ann:hunter2?2@db/chat", encoding],
    ["a raw ? with members", "postgres://ann:12?hunter2=x@db/chat?sslmode=require", encoding],
    ["a raw @", "postgres://ann:hunter2@2@db/chat", encoding],
    ["a raw @ and /", "postgres://ann:hunter2@x/y@db/chat", encoding],
    ["a raw space", "postgres://ann:hunter2 2@db/chat", encoding],
    ["a raw /, and no @", "postgres://ann:hunter2/chat", encoding],
    ["no database", "postgres://ann:hunter2@db", /has no database: add its name to the end/],
    ["an empty database", "postgres://ann:hunter2@db:5432/", /has no database/],
    ["a path", "postgres://ann:hunter2@db/chat/more", /has a \/ in the database's name/],
    ["a port that is none", "postgres://ann:hunter2@db:70000/chat", /no port from 1 to 65535/],
    ["an IPv6 address without brackets", "postgres://ann:hunter2@::1:5432/chat", /no port from/],
    ["something else in brackets", "postgres://ann:hunter2@[db]/chat", /IPv6 address in brackets/],
    ["several hosts", "postgres://ann:hunter2@db1:5432,db2:5432/chat", /names several hosts/],
    ["several hosts in a member", "postgres://ann:hunter2@/chat?host=a,b", /names several hosts/],
    [
      "an unknown sslmode",
      "postgres://ann:hunter2@db/chat?sslmode=yes",
      /unknown sslmode: use one of disable,/,
    ],
    [
      "a missing certificate",
      "postgres://ann:hunter2@db/chat?sslrootcert=/hunter2",
      /as sslrootcert that cannot be read/,
    ],
    [
      "an unreadable time limit",
      "postgres://ann:hunter2@db/chat?connect_timeout=hunter2",
      /connect_timeout/,
    ],
    [
      "a schema with a quote",
      'postgres://ann:hunter2@db/chat?schema=hunter2"',
      /a schema whose name/,
    ],
  ])("%s", (_, url, fault) => {
    const said = faultOf(url);
    expect(said).toMatch(/^The settings have a fault:\n {2}- DATABASE_URL: \w/);
    expect(said).toMatch(fault);
    expect(said).not.toContain("hunter2");
  });
});
