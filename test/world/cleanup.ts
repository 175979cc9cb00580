// Ends the child processes of a program and removes its folders, also when the program is stopped by a signal.
import { constants } from "node:os";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export class Cleanup {
  readonly #tasks: (() => Promise<unknown>)[] = [];
  #run: Promise<void> | undefined;

  /** True once the program is ending: from then on it must start no process and make no folder. */
  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** @throws Error if the program is ending */
  check(): void {
    if (this.isRunning) throw new Error("The program is being stopped.");
  }

  /**
   * Adds a task that `run` performs before those that were added earlier.
   * @returns a function that performs the task now; it is performed once
   */
  add(task: () => Promise<unknown>): () => Promise<unknown> {
    let performed: Promise<unknown> | undefined;
    const once = () => (performed ??= task());
    this.#tasks.unshift(once);
    return once;
  }

  /** Performs all tasks, one after another; one that fails does not keep the others from being performed. */
  run(): Promise<void> {
    this.#run ??= (async () => {
      for (const task of this.#tasks) {
        await task().catch((error: unknown) => console.error("The cleanup has failed:", error));
      }
    })();
    return this.#run;
  }

  /** A signal performs all tasks and then ends the process. `bun run` forwards signals: they may arrive twice. */
  runOnSignals(): void {
    for (const signal of signals) {
      process.on(signal, () => {
        if (this.isRunning) return;
        // The program loses its servers and databases while it goes on.
        process.on("unhandledRejection", () => undefined);
        process.on("uncaughtException", () => undefined);
        void this.run().then(() => process.exit(128 + constants.signals[signal]));
      });
    }
  }
}
