// Databases of a FastAPI server, in the tables that SQLAlchemy makes for it.
import { Database } from "bun:sqlite";
import { join } from "node:path";
import postgres from "postgres";
import { emptyDatabase } from "./cluster.ts";

export const engines = ["sqlite", "postgres"] as const;
export type Engine = (typeof engines)[number];

type Value = string | number | boolean | null | Uint8Array;
/** Rows of each table. A column that a row does not name gets its default. */
export type Tables = Record<string, Record<string, Value>[]>;

/** Without foreign keys and unique keys, which SQLite doesn't enforce unless told to, and which migrations may have missed. */
const schema: Record<Engine, string> = {
  sqlite: `
    create table users (id integer not null, username varchar(50) not null, email varchar(100),
      hashed_password varchar(255), is_active boolean, created_at datetime default current_timestamp);
    create table chats (id integer not null, name varchar(100), is_group boolean, is_ai_chat boolean,
      created_by integer, created_at datetime default current_timestamp);
    create table chat_participants (id integer primary key, chat_id integer not null, user_id integer not null,
      joined_at datetime default current_timestamp);
    create table messages (id integer not null, chat_id integer not null, user_id integer, content text not null,
      is_bot boolean, created_at datetime default current_timestamp);
    create table message_read_receipts (id integer primary key, message_id integer not null, user_id integer not null,
      read_at datetime default current_timestamp);
    create table alembic_version (version_num varchar(32) not null);
    create index ix_messages_id on messages (id);
  `,
  postgres: `
    create table users (id serial not null, username varchar(50) not null, email varchar(100),
      hashed_password varchar(255), is_active boolean, created_at timestamp with time zone default now());
    create table chats (id serial not null, name varchar(200), is_group boolean, is_ai_chat boolean,
      created_by integer, created_at timestamp with time zone default now());
    create table chat_participants (id serial not null primary key, chat_id integer not null, user_id integer not null,
      joined_at timestamp with time zone default now());
    create table messages (id serial not null, chat_id integer not null, user_id integer, content text not null,
      is_bot boolean, created_at timestamp without time zone default now());
    create table message_read_receipts (id serial not null primary key, message_id integer not null, user_id integer not null,
      read_at timestamp with time zone default now());
    create table alembic_version (version_num varchar(32) not null);
    create index ix_messages_id on messages (id);
  `,
};

let made = 0;

/** Makes a database with some rows. @returns its address or path */
export async function fastapiDatabase(
  engine: Engine,
  folder: string,
  tables: Tables = {},
  statements = "",
): Promise<string> {
  if (engine === "sqlite") return sqliteDatabase(folder, tables, statements);
  const url = await emptyDatabase();
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { TimeZone: "UTC" } });
  await sql.unsafe(schema.postgres);
  for (const [table, rows] of Object.entries(tables)) {
    for (const row of rows) await sql`insert into ${sql(table)} ${sql(row)}`;
  }
  if (statements) await sql.unsafe(statements);
  await sql.end();
  return url;
}

function sqliteDatabase(folder: string, tables: Tables, statements: string): string {
  made += 1;
  const path = join(folder, `chat ${made}.db`);
  const database = new Database(path, { create: true });
  database.run(schema.sqlite);
  for (const [table, rows] of Object.entries(tables)) {
    for (const row of rows) {
      const names = Object.keys(row);
      const places = names.map(() => "?").join(", ");
      database
        .query(`insert into ${table} (${names.join(", ")}) values (${places})`)
        .run(...Object.values(row));
    }
  }
  if (statements) database.run(statements);
  database.close();
  return path;
}

/** Statements that fill a group of 100 people with that many messages, written in turns, every seventh by the bot. */
export function manyMessages(engine: Engine, count: number): string {
  const series = (from: number, to: number) =>
    engine === "postgres"
      ? `(select generate_series(${from}, ${to}) as n) s`
      : `(with recursive s (n) as (select ${from} union all select n + 1 from s where n < ${to}) select n from s) s`;
  const at = (expression: string) =>
    engine === "postgres"
      ? `timestamp '2024-03-01' + ${expression} * interval '1 second'`
      : `datetime('2024-03-01', '+' || (${expression}) || ' seconds')`;
  return `
    insert into users (id, username, email, hashed_password, created_at)
    select n, 'user' || n, 'user' || n || '@example.com', 'x', ${at("n")} from ${series(1, 100)};
    insert into chats (id, name, is_group, created_by, created_at)
    select n, 'chat ' || n, true, 1, ${at("n")} from ${series(1, 10)};
    insert into chat_participants (chat_id, user_id, joined_at)
    select c.n, p.n, ${at("p.n * 100")} from ${series(1, 10).replace(/s$/, "c")}, ${series(1, 100).replace(/s$/, "p")};
    insert into messages (id, chat_id, user_id, content, is_bot, created_at)
    select n, 1 + n % 10, case when n % 7 = 0 then null else 1 + n * 31 % 100 end, 'message ' || n, n % 7 = 0,
      ${at(`(n * 7919 % 33343)`)}
    from ${series(1, count)};
    insert into message_read_receipts (message_id, user_id)
    select n, 1 + n % 100 from ${series(1, count / 2)};
  `;
}
