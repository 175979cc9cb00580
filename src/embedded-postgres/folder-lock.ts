// The lock of a data folder: one process at a time runs its database. The kernel holds the lock (SQLite's fcntl lock on an
// empty file), so it ends with its process in whatever way that dies, and it covers the time in which no PostgreSQL runs yet.
// A file with a process id would outlive its process. An advisory lock inside PostgreSQL would come too late: of two starts
// at once, one could find the other's server before that one has locked it, and stop it as an orphan.
import { Database, SQLiteError } from "bun:sqlite";
import { accessSync, chmodSync, constants, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export class FolderLock {
  /** The database of a lock that is garbage collected would be closed, and the lock released. */
  static readonly #held = new Set<FolderLock>();
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
    FolderLock.#held.add(this);
  }

  /**
   * Takes the lock of a folder; never waits.
   * @returns undefined when a living process, this one included, has it
   * @throws Error when the folder cannot be written
   */
  static tryTake(folder: string): FolderLock | undefined {
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
    writeFileSync(ownerFile(folder), `${process.pid}\n`);
    return new FolderLock(database);
  }

  /** Releases the lock. Calling it again does nothing. */
  release(): void {
    if (!FolderLock.#held.delete(this)) return;
    this.#database.run("rollback");
    this.#database.close();
  }
}

/** Names the process that took the lock last. Only for messages: nothing may depend on it. */
export function lockOwner(folder: string): string {
  try {
    return `process ${readFileSync(ownerFile(folder), "utf8").trim()}`;
  } catch {
    return "another process";
  }
}

/** Opening and closing the lock file by anything but SQLite would drop the lock that this process has on it. */
function openLockFile(folder: string): Database {
  const file = join(folder, "postgres.lock");
  try {
    const database = new Database(file, { create: true, readwrite: true });
    // SQLite opens a file that it may not write read-only, and then "locks" nothing.
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
