// Who may run the database of a folder: one process at a time. The kernel holds the lock (SQLite's, an fcntl lock on an
// empty file), so it ends with its process however that dies, and it covers the time in which no PostgreSQL runs yet. A pid
// in a file would outlive its process; an advisory lock inside PostgreSQL would come too late: of two starts at once, one
// could find the other's server before that one has locked it, and stop it as an orphan.
import { Database, SQLiteError } from "bun:sqlite";
import { accessSync, chmodSync, constants, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface FolderLock {
  /** Lets the next one have the folder. Calling it again does nothing. */
  release(): void;
}

/** A lock that is garbage collected would be released. */
const held = new Set<Database>();

/**
 * Takes the lock of a folder, or returns undefined when a living process (this one included) has it. Never waits.
 * @throws Error when the folder cannot be written
 */
export function tryLockFolder(folder: string): FolderLock | undefined {
  const database = openLockFile(folder);
  try {
    // Without a journal in memory SQLite would leave a file beside the lock.
    database.run("pragma journal_mode = memory");
    database.run("begin exclusive");
  } catch (error) {
    database.close();
    if (error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY")) return undefined;
    throw error;
  }
  held.add(database);
  writeFileSync(ownerFile(folder), `${process.pid}\n`);
  return {
    release() {
      if (!held.delete(database)) return;
      database.run("rollback");
      database.close();
    },
  };
}

/** The process that took the lock last: for a message to a person, nothing may rest on it. */
export function lockOwner(folder: string): string {
  try {
    return `process ${readFileSync(ownerFile(folder), "utf8").trim()}`;
  } catch {
    return "another process";
  }
}

/** Beware: opening and closing the lock file by anything but SQLite would drop the lock that this process has on it. */
function openLockFile(folder: string): Database {
  const file = join(folder, "postgres.lock");
  try {
    const database = new Database(file, { create: true, readwrite: true });
    // SQLite opens what it may not write read-only, and then "locks" nothing.
    accessSync(file, constants.W_OK);
    chmodSync(file, 0o600);
    return database;
  } catch (cause) {
    throw new Error(
      `The data folder ${folder} cannot be written by this user: choose another DATA_DIR.`,
      { cause },
    );
  }
}

function ownerFile(folder: string): string {
  return join(folder, "postgres.owner");
}
