import postgres from "postgres";

interface Cluster {
  /** The URL of the migrated template database. */
  url: string;
  template: string;
}

let cluster: Cluster | undefined;
let cloned = 0;

/** Called once, by the preload. */
export function provideCluster(provided: Cluster) {
  cluster = provided;
}

function admin() {
  if (!cluster) throw new Error("run this with `bun test`: its preload starts PostgreSQL");
  const url = new URL(cluster.url);
  url.pathname = "/postgres";
  return { sql: postgres(url.href, { max: 1, onnotice: () => undefined }), cluster };
}

/** A migrated, empty database of one's own. @returns its address */
export function cloneDatabase(): Promise<string> {
  return createDatabase();
}

/** A database in which nothing is. @returns its address */
export function emptyDatabase(): Promise<string> {
  return createDatabase("template1");
}

async function createDatabase(template?: string): Promise<string> {
  const { sql, cluster } = admin();
  cloned += 1;
  const name = `test_${process.pid}_${cloned}`;
  await sql.unsafe(
    `create database ${name} template ${template ?? cluster.template} strategy file_copy`,
  );
  await sql.end();
  const url = new URL(cluster.url);
  url.pathname = `/${name}`;
  return url.href;
}

export async function dropDatabase(url: string): Promise<void> {
  const { sql } = admin();
  await sql.unsafe(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
  await sql.end();
}
