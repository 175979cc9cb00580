import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  dataLossIn,
  isMarked,
  lossyStatementsIn,
} from "../../../src/database/migrations/data-loss.ts";

const dir = join(import.meta.dir, "../../../db/migrations");

function migration(up: string, down = "drop table pears;"): string {
  return `-- migrate:up\n${up}\n\n-- migrate:down\n${down}\n`;
}

test("every migration after which data may be gone says what is lost, or why nothing is", () => {
  const silent = readdirSync(dir).filter((name) => {
    const text = readFileSync(join(dir, name), "utf8");
    return lossyStatementsIn(text).length > 0 && !isMarked(text);
  });
  expect(silent).toEqual([]);
});

describe("data may be gone after", () => {
  test.each([
    ["drop", "drop table pears;"],
    ["drop", "DROP  TABLE\n  if exists pears cascade;"],
    ["drop", "alter table pears drop column colour;"],
    ["drop", "alter table pears drop colour;"],
    ["drop", "alter table pears drop if exists colour, add column taste text;"],
    ["drop", "drop schema fruit cascade;"],
    ["drop", "drop extension citext cascade;"],
    ["delete", "delete from pears where ripe;"],
    ["delete", "with gone as (delete from pears returning *) select count(*) from gone;"],
    ["delete", "do $$ begin delete from pears; end $$;"],
    ["truncate", "truncate pears;"],
    ["alter type", "alter table pears alter column colour type varchar(3);"],
    ["alter type", "alter table pears alter colour set data type int using 1;"],
    ["update", "update pears set colour = null;"],
    ["update", 'update only "pears" as p set colour = null;'],
    ["update", "insert into pears values (1) on conflict (id) do update set colour = 'red';"],
    ["merge", "merge into pears using plums on true when matched then delete;"],
  ])("%s: %s", (what, up) => {
    expect(lossyStatementsIn(migration(up))).toEqual([what]);
    expect(isMarked(migration(up))).toBe(false);
    expect(dataLossIn(migration(up))).toBe(`it has ${what}`);
  });
});

describe("no data is lost by", () => {
  test.each([
    "create table pears (id int references trees on delete cascade on update set null);",
    "alter table pears drop constraint pears_pkey, alter column id drop not null, alter id drop default;",
    "drop index pears_idx; drop trigger t on pears; drop function if exists f(); drop view v;",
    "-- drop table pears; later perhaps\nalter table pears add column type text;",
    "/* truncate pears;\n */ select 1;",
    "insert into words values ('drop table pears'), ('it''s; delete from pears');",
    "create function f() returns trigger language plpgsql as $$ begin delete from pears; return null; end $$;",
    "create trigger t before update on pears for each row execute function f();",
    "create trigger t after truncate on pears execute function f();",
    "revoke update, delete, truncate on pears from plums;",
  ])("%s", (up) => {
    expect(dataLossIn(migration(up))).toBeUndefined();
  });
});

test("what a migration says of itself counts more than its statements, and only of its way up", () => {
  const drop = "drop table pears;";
  expect(dataLossIn(migration(`-- destructive: all pears, which nobody eats\n${drop}`))).toBe(
    "all pears, which nobody eats",
  );
  expect(dataLossIn(migration(`  --destructive: pears\n${drop}\n-- DESTRUCTIVE: plums`))).toBe(
    "pears; plums",
  );
  expect(dataLossIn(migration(`-- keeps data: pears was never filled\n${drop}`))).toBeUndefined();
  expect(dataLossIn(migration(`-- keeps data:\n${drop}`))).toBe("it has drop");
  expect(dataLossIn(migration(`-- destructive:\n${drop}`))).toBe("it has drop");
  expect(dataLossIn(migration("select 1;", `-- destructive: pears\n${drop}`))).toBeUndefined();
});
