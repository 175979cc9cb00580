// Makes a database that a test has used as empty as a new one.
import postgres from "postgres";
import { z } from "zod";

/** A table that has grown beyond this is not emptied: its free space would slow down whoever scans it next. */
const tableBytesMax = 2_000_000;

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

const Fingerprint = z.tuple([z.object({ fingerprint: z.string() })]);
const Tables = z.array(z.object({ name: z.string(), bytes: z.coerce.number() }));

function open(url: string) {
  return postgres(url, { max: 1, prepare: false, onnotice: () => undefined });
}

async function readFingerprint(sql: postgres.Sql): Promise<string> {
  const [{ fingerprint }] = Fingerprint.parse([...(await sql.unsafe(schema))]);
  return fingerprint;
}

/** Identifies the schema and the settings of a database. */
export async function fingerprintOf(url: string): Promise<string> {
  const sql = open(url);
  try {
    return await readFingerprint(sql);
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
    await sql`
      select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
    `;
    if ((await readFingerprint(sql)) !== fingerprint) return false;
    const tables = Tables.parse([
      ...(await sql`
        select oid::regclass::text as name, pg_relation_size(oid) as bytes from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'schema_migrations'
      `),
    ]);
    if (tables.some(({ bytes }) => bytes > tableBytesMax)) return false;
    // As a replica does it: without the triggers of foreign keys and of tables that only grow.
    await sql.unsafe(`
      set session_replication_role = replica;
      ${tables.map(({ name }) => `delete from ${name};`).join("\n")}
      select setval(seqrelid, seqstart, false) from pg_sequence;
    `);
    return true;
  } catch (error) {
    // A test has dropped or renamed it.
    if (error instanceof postgres.PostgresError && error.code === "3D000") return false;
    throw error;
  } finally {
    await sql.end();
  }
}
