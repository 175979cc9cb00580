// Children that never outlive this process. The guard, a tiny shell, is the parent of the command and holds the other end of
// a pipe: when this process dies, by kill -9 too, the kernel closes the pipe and the guard interrupts the command.
import { closeSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";

const logBytesMax = 10 * 1024 * 1024;

/** Whom a child runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A command started from here has SIGINT ignored until it installs its own handler, so the watcher asks again every second.
 * It asks by SIGINT: PostgreSQL's fast shutdown.
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

/** Children get nothing of this process's environment, where secrets are. */
const environment = {
  PATH: "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
  LANG: "C",
  LC_ALL: "C",
};

export interface Guarded {
  readonly exited: Promise<unknown>;
  /** Null while it runs. */
  exitCode(): number | null;
  /** The last lines that it said. */
  output(): string;
  /** Has the command interrupted. */
  end(): void;
  exitsWithin(timeoutMs: number): Promise<boolean>;
}

/**
 * Starts a command under a guard, in a session of its own, so that the terminal's Ctrl-C does not reach it.
 * @param logFile what it says is added to this file, which is emptied first when it is above 10 MB
 */
export function spawnGuarded(
  command: string[],
  { account, logFile }: { account: Account | undefined; logFile: string },
): Guarded {
  const logged = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (logged > logBytesMax) truncateSync(logFile);
  const begin = logged > logBytesMax ? 0 : logged;
  const output = openSync(logFile, "a", 0o600);
  const child = Bun.spawn(["/bin/sh", "-c", script, "guard", ...command], {
    ...asAccount(account),
    stdio: ["pipe", output, output],
    detached: true,
  });
  closeSync(output);
  // A process that forgot to stop PostgreSQL may end all the same, and PostgreSQL with it.
  child.unref();
  return {
    exited: child.exited,
    exitCode: () => child.exitCode ?? (child.signalCode === null ? null : -1),
    output: () =>
      readFileSync(logFile).subarray(begin).toString().trim().split("\n").slice(-10).join("\n"),
    end: () => void child.stdin.end(),
    async exitsWithin(timeoutMs) {
      const timer = Promise.withResolvers<boolean>();
      const timeout = setTimeout(() => timer.resolve(false), timeoutMs);
      const exited = child.exited.then(() => true);
      return Promise.race([exited, timer.promise]).finally(() => clearTimeout(timeout));
    },
  };
}

/** What a child needs to run as an account; its folder is one that every account may enter. */
export function asAccount(account: Account | undefined) {
  return {
    cwd: "/",
    env: environment,
    ...(account && { uid: account.uid, gid: account.gid }),
  };
}
