// Makes a database that a test has used as empty as a new one.
import postgres from "postgres";
import { z } from "zod";
import { one, type Sql } from "../../src/database/connect.ts";
import { within } from "../../src/schedule.ts";

/** A table that has grown beyond this is not emptied: its free space would slow down whoever scans it next. */
const tableBytesMax = 2_000_000;
/** A pool that gives no connection within this still works for the test that is over. */
const poolWaitMs = 1_000;

/** Everything that a test may have changed besides rows. Names are compared, since a clone has oids of its own for some. */
const schema = `
  select coalesce(md5(string_agg(line, '|' order by line)), '') as fingerprint from (
    select concat_ws(' ', 'class', relname, relkind, relowner, relacl, reloptions, relrowsecurity) as line
    from pg_class where relnamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'column', attrelid::regclass, attname, atttypid, atttypmod, attnotnull, attidentity, attgenerated)
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'default', adrelid::regclass, adnum, pg_get_expr(adbin, adrelid)) from pg_attrdef
    union all
    select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
    from pg_constraint where connamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'index', indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid))
    from pg_index join pg_class on pg_class.oid = indexrelid
    where relnamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'trigger', tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid))
    from pg_trigger where not tgisinternal
    union all
    select concat_ws(' ', 'function', proname, prosrc) from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'setting', setrole, setconfig)
    from pg_db_role_setting join pg_database on pg_database.oid = setdatabase where datname = current_database()
    union all
    select concat_ws(' ', 'database', datdba, datconnlimit, datacl) from pg_database where datname = current_database()
    union all
    select concat_ws(' ', 'extension', extname) from pg_extension
    union all
    select concat_ws(' ', 'namespace', nspname)
    from pg_namespace where nspname not like 'pg\\_%' escape '\\'
  ) as lines
`;

/**
 * The rows of the catalogue that the schema is read from: how many there are and which transaction wrote last. It is far
 * cheaper to compute than the fingerprint, which remains the same as long as this does.
 */
const version = `
  select string_agg(concat_ws(' ', catalogue, rows, newest), '|' order by catalogue) as version from (
    select ${[
      ["pg_class", "oid >= 16384"],
      ["pg_attribute", "attrelid >= 16384"],
      ["pg_attrdef", "true"],
      ["pg_constraint", "oid >= 16384"],
      ["pg_index", "indexrelid >= 16384"],
      ["pg_trigger", "true"],
      ["pg_proc", "oid >= 16384"],
      ["pg_db_role_setting", "true"],
      ["pg_database", "datname = current_database()"],
      ["pg_extension", "true"],
      ["pg_namespace", "nspname not like 'pg\\_%' escape '\\'"],
    ]
      .map(
        ([catalogue, rows]) =>
          `'${catalogue}' as catalogue, count(*) as rows, max(xmin::text::bigint) as newest from ${catalogue} where ${rows}`,
      )
      .join(" union all select ")}
  ) as catalogues
`;

/** The version of a database, with the names of all tables that a test may have filled, and the size of the largest one. */
const withTables = `
  select current_database() as name, version, tables, bytes from (${version}) as version, (
    select coalesce(array_agg(oid::regclass::text), '{}') as tables, coalesce(max(pg_relation_size(oid)), 0) as bytes
    from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'schema_migrations'
  ) as sizes
`;

const Fingerprint = z.object({ fingerprint: z.string() });
const Busy = z.object({ busy: z.coerce.number() });
const Found = z.object({
  name: z.string(),
  version: z.string(),
  tables: z.array(z.string()),
  bytes: z.coerce.number(),
});

/** The fingerprints and versions of databases that were as wanted, by name. */
const unchanged = new Map<string, string>();

/** Runs SQL without parameters on one connection. */
type Run = (text: string) => PromiseLike<readonly unknown[]>;

function open(url: string) {
  return postgres(url, { max: 1, prepare: false, onnotice: () => undefined });
}

/** Identifies the schema and the settings of a database. */
export async function fingerprintOf(url: string): Promise<string> {
  const sql = open(url);
  try {
    return one([...(await sql.unsafe(schema))], Fingerprint).fingerprint;
  } finally {
    await sql.end();
  }
}

/**
 * Ends the other connections of a database, deletes all rows and resets the sequences.
 * @returns false when the schema is not that of `fingerprint`, or a table has become large: then the database is of no use
 */
export async function emptyIfUnchanged(url: string, fingerprint: string): Promise<boolean> {
  const sql = open(url);
  try {
    return await empty((text) => sql.unsafe(text), fingerprint);
  } catch (error) {
    // A test has dropped or renamed it.
    if (error instanceof postgres.PostgresError && error.code === "3D000") return false;
    throw error;
  } finally {
    await sql.end();
  }
}

/**
 * Does the same through a pool, whose connections stay open.
 * @param name the application_name of the pool's connections, which no others have
 * @returns false also when the pool breaks, gives no connection within a second, or has one with a statement or transaction
 * that has not ended: postgres.js may hand out a connection again that was ended while it was reserved
 */
export async function emptyThroughPool(
  pool: Sql,
  name: string,
  fingerprint: string,
): Promise<boolean> {
  try {
    return await empty((text) => inTime(pool.unsafe(text)), fingerprint, name);
  } catch {
    return false;
  }
}

/** @throws Error when the pool has given it no connection, or PostgreSQL no result, within a second */
async function inTime<T>(query: PromiseLike<T>): Promise<T> {
  const result = Promise.resolve(query);
  if (!(await within(poolWaitMs, result))) throw new Error("the pool does not answer");
  return result;
}

/** @param kept the application_name of the connections that stay open */
async function empty(run: Run, fingerprint: string, kept = "none"): Promise<boolean> {
  const { busy } = one(
    await run(`
      select count(*) filter (where application_name = '${kept}' and state <> 'idle') as busy,
        count(pg_terminate_backend(pid, 5000)) filter (where application_name <> '${kept}')
      from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    `),
    Busy,
  );
  if (busy > 0) return false;
  const found = one(await run(withTables), Found);
  if (found.bytes > tableBytesMax) return false;
  const wanted = `${fingerprint} ${found.version}`;
  if (unchanged.get(found.name) !== wanted) {
    if (one(await run(schema), Fingerprint).fingerprint !== fingerprint) return false;
    unchanged.set(found.name, wanted);
  }
  // The statements are one transaction. They run as a replica does it: without the triggers of foreign keys and of tables that only grow.
  await run(`
    select set_config('session_replication_role', 'replica', true);
    ${found.tables.map((table) => `delete from ${table};`).join("\n")}
    select setval(seqrelid, seqstart, false) from pg_sequence;
  `);
  return true;
}
