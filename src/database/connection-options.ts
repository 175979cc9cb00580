// The options of postgres.js for an address.
import type postgres from "postgres";
import type { DatabaseAddress } from "../config/database-address.ts";
import { quotedName, quotedText } from "./names.ts";

const poolConnectTimeoutSeconds = 5;
/** No request waits for a migration or a backup. */
const commandConnectTimeoutSeconds = 10;

/**
 * Options of a connection that works directly and through a pooler: it has no named statements, since a pooler runs each
 * transaction on another server connection, and no settings at its start but those that every pooler knows.
 * @param use follows the application's name in pg_stat_activity; undefined for the pool of a server
 */
export function connectionOptions(address: DatabaseAddress, use?: "migrate" | "backup" | "import") {
  const { host, port, database, user, password, connectTimeoutSeconds, options } = address;
  const connection: Record<string, string> = {
    application_name: applicationName(address) + (use ? ` ${use}` : ""),
  };
  if (options !== undefined) connection.options = options;
  const result = {
    path: host.startsWith("/") ? `${host}/.s.PGSQL.${port}` : undefined,
    database,
    user,
    // A function, since postgres.js replaces an empty password by that of its environment.
    password: () => password ?? "",
    ssl: tlsOptions(address),
    connect_timeout:
      connectTimeoutSeconds ?? (use ? commandConnectTimeoutSeconds : poolConnectTimeoutSeconds),
    prepare: false,
    connection,
  };
  // postgres.js splits a string at the colons of an IPv6 address, and its types know no lists.
  Object.assign(result, { host: [host], port: [port] });
  return result;
}

/** The name of a server's connections in pg_stat_activity. */
export function applicationName({ applicationName }: DatabaseAddress): string {
  return applicationName ?? "gemini-coop";
}

/** The value of the setting search_path; undefined when the server's default applies. */
export function searchPath({ schemas }: DatabaseAddress): string | undefined {
  return schemas.length > 0 ? schemas.map(quotedName).join(", ") : undefined;
}

function tlsOptions({ host, tls }: DatabaseAddress): false | "prefer" | object {
  const { mode, rootCertificate, clientCertificate, clientKey } = tls;
  if (mode === "disable") return false;
  if (mode === "prefer") return "prefer";
  return {
    // The name that the server's certificate must have; the socket is connected already.
    host,
    rejectUnauthorized: mode !== "require",
    ...(mode === "verify-ca" && { checkServerIdentity: () => undefined }),
    ...(rootCertificate && { ca: rootCertificate.text }),
    ...(clientCertificate && { cert: clientCertificate.text }),
    ...(clientKey && { key: clientKey.text }),
  };
}

/** Sets settings, and the address's schemas, for the rest of a transaction. It takes no snapshot. */
export async function setLocally(
  sql: postgres.TransactionSql,
  address: DatabaseAddress,
  settings: Record<string, string>,
): Promise<void> {
  const path = searchPath(address);
  const statements = Object.entries(settings).map(
    ([name, value]) => `set local ${name} = ${quotedText(value)}`,
  );
  if (path !== undefined) statements.push(`set local search_path = ${path}`);
  if (statements.length > 0) await sql.unsafe(statements.join("; "));
}
