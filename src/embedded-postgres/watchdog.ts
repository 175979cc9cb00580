// Child processes that never outlive this process. The parent of the command is a small shell, the watchdog, which reads
// from a pipe: when this process dies, by kill -9 too, the kernel closes the pipe and the watchdog interrupts the command.
import { closeSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";

const logBytesMax = 10 * 1024 * 1024;

/** The user and group that a child process runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * SIGINT is PostgreSQL's fast shutdown. A command started from here ignores it until it installs its own handler, so the
 * signal is sent again every second.
 */
const script = `
trap '' HUP INT TERM
exec 3<&0
"$@" </dev/null 3<&- &
command=$!
(
  while read -r line <&3; do :; done
  while kill -INT $command; do sleep 1 || exit; done
) </dev/null >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait $command
code=$?
kill -9 $watcher
exit $code
`;

/** The whole environment of a child: this process's own has secrets. */
const environment = {
  PATH: "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
  LANG: "C",
  LC_ALL: "C",
};

/** A command that runs under a watchdog, in a session of its own, so that the terminal's Ctrl-C doesn't reach it. */
export class WatchedProcess {
  readonly #child: Bun.Subprocess<"pipe", number, number>;
  readonly #logFile: string;
  /** The size of the log file before the command wrote to it. */
  readonly #logBegin: number;

  /** @param logFile output is appended to this file, which is emptied first when it is above 10 MB */
  constructor(
    command: string[],
    { account, logFile }: { account: Account | undefined; logFile: string },
  ) {
    const logged = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
    if (logged > logBytesMax) truncateSync(logFile);
    this.#logFile = logFile;
    this.#logBegin = logged > logBytesMax ? 0 : logged;
    const output = openSync(logFile, "a", 0o600);
    this.#child = Bun.spawn(["/bin/sh", "-c", script, "watchdog", ...command], {
      ...asAccount(account),
      stdio: ["pipe", output, output],
      detached: true,
    });
    closeSync(output);
    // The event loop of a process that forgets to stop PostgreSQL may end all the same, and PostgreSQL ends with it.
    this.#child.unref();
  }

  get exited(): Promise<unknown> {
    return this.#child.exited;
  }

  /** Null while it runs, and -1 after a signal. */
  get exitCode(): number | null {
    return this.#child.exitCode ?? (this.#child.signalCode === null ? null : -1);
  }

  /** The last ten lines of its output. */
  get output(): string {
    const text = readFileSync(this.#logFile).subarray(this.#logBegin).toString();
    return text.trim().split("\n").slice(-10).join("\n");
  }

  /** Makes the watchdog interrupt the command; doesn't wait. */
  interrupt(): void {
    void this.#child.stdin.end();
  }

  /** @returns whether it ended within `timeoutMs` */
  async exitsWithin(timeoutMs: number): Promise<boolean> {
    const timer = Promise.withResolvers<boolean>();
    const timeout = setTimeout(() => timer.resolve(false), timeoutMs);
    const exited = this.#child.exited.then(() => true);
    return Promise.race([exited, timer.promise]).finally(() => clearTimeout(timeout));
  }
}

/** Spawn options to run a child as an account, in a folder that every account may enter. */
export function asAccount(account: Account | undefined) {
  return {
    cwd: "/",
    env: environment,
    ...(account && { uid: account.uid, gid: account.gid }),
  };
}
