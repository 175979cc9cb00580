// DATABASE_URL, parsed once: a connection URI as libpq has it
// (https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-CONNSTRING-URIS), with the members that other drivers and
// hosting providers add to it.
import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { userInfo } from "node:os";
import { z } from "zod";

export type TlsMode = "disable" | "prefer" | "require" | "verify-ca" | "verify-full";

/** A file that an address names, and its text. */
export interface NamedFile {
  readonly path: string;
  readonly text: string;
}

export interface DatabaseAddress {
  /** A name, an IP address without brackets, or the directory of a Unix socket, which begins with a slash. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Undefined: the server asks for none. */
  readonly password: string | undefined;
  readonly tls: {
    readonly mode: TlsMode;
    /** Certificates of the authorities to trust; undefined: those of the system. */
    readonly rootCertificate: NamedFile | undefined;
    readonly clientCertificate: NamedFile | undefined;
    readonly clientKey: NamedFile | undefined;
  };
  /** Undefined: the caller's default. */
  readonly connectTimeoutSeconds: number | undefined;
  /** Undefined: the caller's default. */
  readonly applicationName: string | undefined;
  /** The schemas of unqualified names; tables are made in the first one. Empty: the server's default. */
  readonly schemas: readonly string[];
  /** Command-line options for the server process. */
  readonly options: string | undefined;
  /** The address says that a connection pooler in transaction mode is in between. Poolers are detected, too. */
  readonly isPooled: boolean;
  /** Names of members that have no meaning here. */
  readonly ignored: readonly string[];
}

const connectTimeoutSecondsMax = 600;
const encoding =
  "special characters, above all of the password, must be percent-encoded " +
  "(% as %25, # as %23, / as %2F, ? as %3F, @ as %40, : as %3A, a space as %20)";

/** A fault of an address. The message follows the name of the setting, and has nothing of its value. */
class AddressFault extends Error {}

/** The setting DATABASE_URL. */
export const databaseAddress = z.string().transform((text, check): DatabaseAddress => {
  try {
    return parseAddress(text.trim());
  } catch (error) {
    if (!(error instanceof AddressFault)) throw error;
    check.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

/** @throws ZodError with a message that has nothing of the address itself */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  return databaseAddress.parse(text);
}

function parseAddress(text: string): DatabaseAddress {
  if (!/^postgres(ql)?:\/\//.test(text)) {
    throw new AddressFault("must begin with postgres:// or postgresql://");
  }
  const [, authority = "", path = "", query = "", fragment] =
    /^\w+:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(text) ?? [];
  // A raw special character ends the part that it is in, so the @ after the password is found in a later part.
  const isCutShort = fragment !== undefined || `${path}${query}`.includes("@");
  if (isCutShort || authority.split("@").length > 2 || /\s/.test(text)) {
    throw new AddressFault(`has a raw special character: ${encoding}`);
  }
  const members = membersOf(query);
  const take = (...names: string[]) => {
    const [found] = names.flatMap((name) => members.get(name) ?? []);
    for (const name of names) members.delete(name);
    return found === "" ? undefined : found;
  };
  const at = authority.indexOf("@");
  const [user, ...password] = at < 0 ? [] : authority.slice(0, at).split(":");
  const [host, port] = hostAndPort(authority.slice(at + 1));
  const fixed = {
    host: hostOf(take("host") ?? host),
    port: portOf(take("port") ?? port),
    database: databaseOf(take("dbname") ?? decoded(path.slice(1)), path),
    user: take("user") ?? (user ? decoded(user) : systemUser()),
    password: take("password") ?? (password.length > 0 ? decoded(password.join(":")) : undefined),
  };
  return Object.freeze({
    ...fixed,
    tls: tlsOf(take, fixed.host.startsWith("/")),
    connectTimeoutSeconds: secondsOf(take("connect_timeout")),
    applicationName: take("application_name", "fallback_application_name"),
    schemas: Object.freeze(schemasOf(take("schema", "currentSchema"), take("search_path"))),
    options: take("options"),
    isPooled: take("pgbouncer") === "true",
    ignored: Object.freeze([...members.keys()]),
  });
}

type Take = (...names: string[]) => string | undefined;

function membersOf(query: string): Map<string, string> {
  const members = new Map<string, string>();
  for (const member of query.split("&")) {
    if (member === "") continue;
    const [name = "", ...value] = member.split("=");
    members.set(decoded(name), decoded(value.join("=")));
  }
  return members;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AddressFault(`has a raw %: ${encoding}`);
  }
}

/** Splits `host:port` and `[host]:port`. */
function hostAndPort(text: string): [host: string, port: string | undefined] {
  if (text.includes(",")) {
    throw new AddressFault("names several hosts: name one, such as that of a proxy or pooler");
  }
  const [, bracketed, host = "", port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text) ?? [];
  if (bracketed !== undefined && !isIPv6(decoded(bracketed))) {
    throw new AddressFault("has something else than an IPv6 address in brackets");
  }
  return [bracketed === undefined ? decoded(host) : decoded(bracketed), port];
}

function hostOf(host: string): string {
  if (host === "") return "localhost";
  if (host.includes(",")) {
    throw new AddressFault("names several hosts: name one, such as that of a proxy or pooler");
  }
  if (host.startsWith("/") || isIPv6(host) || /^[^\s/\\:@[\]]+$/.test(host)) return host;
  throw new AddressFault("has no host name, IP address or directory of a Unix socket as its host");
}

function portOf(port: string | undefined): number {
  if (port === undefined || port === "") return 5432;
  if (/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) <= 65_535) return Number(port);
  throw new AddressFault(`has no port from 1 to 65535 after its host; ${encoding}`);
}

function databaseOf(name: string, path: string): string {
  if (path.slice(1).includes("/")) {
    throw new AddressFault(`has a / in the database's name; ${encoding}`);
  }
  if (name === "") {
    throw new AddressFault("has no database: add its name to the end, such as /gemini_coop");
  }
  return name;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new AddressFault("has no user name");
  }
}

const tlsModes = new Map<string, TlsMode>([
  ["disable", "disable"],
  // libpq tries it without TLS first. Either way, a connection is made where one can be.
  ["allow", "prefer"],
  ["prefer", "prefer"],
  ["require", "require"],
  ["no-verify", "require"],
  ["verify-ca", "verify-ca"],
  ["verify-full", "verify-full"],
  // `ssl` of JDBC and node-postgres.
  ["true", "require"],
  ["1", "require"],
  ["false", "disable"],
  ["0", "disable"],
]);

function tlsOf(take: Take, isSocket: boolean): DatabaseAddress["tls"] {
  const given = take("sslmode", "ssl");
  const root = take("sslrootcert");
  const files = {
    rootCertificate: root === "system" ? undefined : fileOf("sslrootcert", root),
    clientCertificate: fileOf("sslcert", take("sslcert")),
    clientKey: fileOf("sslkey", take("sslkey")),
  };
  const mode = tlsModes.get(given ?? "disable");
  if (!mode) throw new AddressFault(`has an unknown sslmode: use one of ${sslModes}`);
  if (isSocket) return Object.freeze({ mode: "disable", ...files });
  // As in libpq: the system's authorities imply that the host is verified, and `require` with authorities verifies.
  if (root === "system") return Object.freeze({ mode: "verify-full", ...files });
  const isVerified = mode === "require" && root !== undefined;
  return Object.freeze({ mode: isVerified ? "verify-ca" : mode, ...files });
}

const sslModes = "disable, allow, prefer, require, verify-ca, verify-full";

function fileOf(member: string, path: string | undefined): NamedFile | undefined {
  if (path === undefined) return undefined;
  try {
    return Object.freeze({ path, text: readFileSync(path, "utf8") });
  } catch {
    throw new AddressFault(`names a file as ${member} that cannot be read`);
  }
}

function secondsOf(text: string | undefined): number | undefined {
  // libpq waits without a limit at 0.
  if (text === undefined || text === "0") return undefined;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds <= connectTimeoutSecondsMax) return seconds;
  throw new AddressFault(
    `has a connect_timeout that is no whole number of seconds up to ${connectTimeoutSecondsMax}`,
  );
}

/** `schema`, as Prisma has it, is one name as it stands; `search_path` is a list in which only quoted names keep capitals. */
function schemasOf(schema: string | undefined, searchPath: string | undefined): string[] {
  const names =
    schema !== undefined
      ? [schema]
      : (searchPath ?? "").split(",").flatMap((part) => {
          const name = part.trim();
          if (name === "") return [];
          return [/^".*"$/.test(name) ? name.slice(1, -1) : name.toLowerCase()];
        });
  if (!names.every((name) => /^[\p{L}\p{N}_-]{1,63}$/u.test(name))) {
    throw new AddressFault("has a schema whose name is not made of letters, digits, _ and -");
  }
  return names;
}
