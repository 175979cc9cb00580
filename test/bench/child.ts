// A server that is measured runs in a child process, so that its CPU time and memory can be told apart.
import { z } from "zod";
import type { Cleanup } from "../world/cleanup.ts";

const Report = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), url: z.string(), secretKey: z.string().optional() }),
  z.object({ type: z.literal("usage"), cpuMicros: z.number(), rssBytes: z.number() }),
]);
type Report = z.infer<typeof Report>;

export interface Usage {
  /** User and system time since the start. */
  cpuMicros: number;
  rssBytes: number;
}

export type Child = Awaited<ReturnType<typeof startChild>>;

/**
 * @param script a file of this folder that calls {@link serveUsage} once it listens
 * @param cleanup ends the child with the program
 * @throws Error if the child ends before it listens
 */
export async function startChild(
  cleanup: Cleanup,
  script: string,
  env: Record<string, string> = {},
) {
  cleanup.check();
  const reports: Report[] = [];
  let wake: (() => void) | undefined;
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/${script}`], {
    env: { ...process.env, ...env },
    stdout: "inherit",
    stderr: "inherit",
    ipc(message) {
      reports.push(Report.parse(message));
      wake?.();
    },
  });
  void child.exited.then(() => wake?.());
  const stop = cleanup.add(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  async function next(): Promise<Report> {
    for (;;) {
      const report = reports.shift();
      if (report) return report;
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${script} has ended by itself`);
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const ready = await next();
  if (ready.type !== "ready") throw new Error("the child spoke out of turn");
  return {
    url: ready.url,
    secretKey: ready.secretKey ?? "",
    async usage(): Promise<Usage> {
      child.send("usage");
      const report = await next();
      if (report.type !== "usage") throw new Error("the child spoke out of turn");
      return report;
    },
    stop,
  };
}

/** Runs in the child: reports its usage, and exits when the parent is gone. */
export function serveUsage(ready: { url: string; secretKey?: string }) {
  process.on("disconnect", () => process.exit());
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    Bun.gc(true);
    process.send?.({
      type: "usage",
      cpuMicros: user + system,
      rssBytes: process.memoryUsage.rss(),
    });
  });
  process.send?.({ type: "ready", ...ready });
}
