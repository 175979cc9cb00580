// A process that is measured: its CPU time, its memory and the holds of its event loop are its own.
import { closeSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Cleanup } from "../world/cleanup.ts";
import { freePort } from "../world/free-port.ts";

const agent = join(import.meta.dir, "agent.ts");
/** The limit of a start, which is longer than one with all migrations takes on a busy machine. */
const startTimeoutMs = 60_000;
const stopTimeoutMs = 15_000;
const pollMs = 10;
const linesShown = 20;

export interface ChildOptions {
  /** The program, which listens on 127.0.0.1 at the port in PORT. */
  script: string;
  /** Added to PATH, TMPDIR, HOST, PORT and what the Dockerfile sets. The child has nothing else of this process's environment. */
  env: Record<string, string>;
  /** The working folder, which also gets the output of the child. */
  folder: string;
}

type Question = "cpu" | "rss" | "resident" | "hold" | "unwatch";

/** A server in a process of its own, which keeps its address when it is started again. */
export class Child {
  readonly url: string;
  readonly #cleanup: Cleanup;
  readonly #options: ChildOptions;
  readonly #port = freePort();
  readonly #logFile: string;
  readonly #replies: ((reply: number) => void)[] = [];
  #process: Bun.Subprocess | undefined;

  private constructor(cleanup: Cleanup, options: ChildOptions) {
    this.#cleanup = cleanup;
    this.#options = options;
    this.url = `http://127.0.0.1:${this.#port}`;
    this.#logFile = join(options.folder, `${this.#port}.log`);
    cleanup.add(() => this.kill());
  }

  /** @throws Error with the last lines of its output if it does not answer within 60 s */
  static async start(cleanup: Cleanup, options: ChildOptions): Promise<Child> {
    const child = new Child(cleanup, options);
    await child.#start();
    return child;
  }

  /** User and system time since the start, in microseconds. */
  cpuMicros(): Promise<number> {
    return this.#ask("cpu");
  }

  /** Resident bytes after a garbage collection. */
  rssBytes(): Promise<number> {
    return this.#ask("rss");
  }

  /** Resident bytes as they are, with what a garbage collection would free. */
  residentBytes(): Promise<number> {
    return this.#ask("resident");
  }

  /**
   * The longest hold of the event loop since the last call, in milliseconds of its thread's CPU time. The first call begins to
   * watch.
   */
  longestHoldMs(): Promise<number> {
    return this.#ask("hold");
  }

  /** Ends the watch of the event loop, which costs some CPU. */
  async unwatch(): Promise<void> {
    await this.#ask("unwatch");
  }

  /** Stops the server in order and starts it at the same address. Settles when it takes requests. */
  async restart(): Promise<void> {
    const stopping = this.#process;
    this.#process = undefined;
    if (stopping) {
      stopping.kill("SIGTERM");
      const timer = setTimeout(() => stopping.kill("SIGKILL"), stopTimeoutMs);
      await stopping.exited;
      clearTimeout(timer);
    }
    await this.#start();
  }

  async kill(): Promise<void> {
    const killed = this.#process;
    this.#process = undefined;
    killed?.kill("SIGKILL");
    await killed?.exited;
  }

  async #start(): Promise<void> {
    this.#cleanup.check();
    const { script, env, folder } = this.#options;
    const output = openSync(this.#logFile, "a");
    const started = Bun.spawn([process.execPath, "--preload", agent, script], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        TMPDIR: tmpdir(),
        HOST: "127.0.0.1",
        PORT: String(this.#port),
        // As in the Dockerfile. The reference has it, too.
        MIMALLOC_PURGE_DELAY: "-1",
        ...env,
      },
      stdin: "ignore",
      stdout: output,
      stderr: output,
      ipc: (reply) => this.#replies.shift()?.(z.number().parse(reply)),
    });
    closeSync(output);
    this.#process = started;
    const deadline = performance.now() + startTimeoutMs;
    while (!(await this.#answers())) {
      if (started.exitCode !== null || started.signalCode !== null) throw this.#fault("has ended");
      if (performance.now() > deadline) throw this.#fault("does not answer");
      await Bun.sleep(pollMs);
    }
  }

  #answers(): Promise<boolean> {
    return fetch(`${this.url}/health`).then(
      () => true,
      () => false,
    );
  }

  async #ask(question: Question): Promise<number> {
    const child = this.#process;
    if (!child) throw this.#fault("is not running");
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#replies.push(resolve);
    child.send(question);
    const ended = child.exited.then(() => {
      throw this.#fault("has ended");
    });
    return Promise.race([promise, ended]);
  }

  #fault(what: string): Error {
    const lines = readFileSync(this.#logFile, "utf8").trim().split("\n").slice(-linesShown);
    return new Error(`${this.#options.script} ${what}. Its output:\n${lines.join("\n")}`);
  }
}
