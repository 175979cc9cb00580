import { rmSync } from "node:fs";
import { constants } from "node:os";

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls `work` with the name of a file in which it makes the file `path`, and removes what it leaves of it. A signal that ends the
 * process removes it, too: a backup is large, and has password hashes.
 */
export async function withPartialFile<T>(
  path: string,
  work: (partial: string) => Promise<T>,
): Promise<T> {
  const partial = `${path}.${process.pid}.partial`;
  const remove = () => rmSync(partial, { force: true });
  const end = (signal: NodeJS.Signals) => {
    remove();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of endings) process.once(signal, end);
  try {
    return await work(partial);
  } finally {
    for (const signal of endings) process.off(signal, end);
    remove();
  }
}
