// A server under measurement runs as a child process, so that its CPU time and memory are its own.
import { z } from "zod";

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

const running = new Set<Bun.Subprocess>();

/** Stops whatever still runs. */
export async function stopChildren() {
  for (const child of running) child.kill("SIGKILL");
  await Promise.all(Array.from(running, (child) => child.exited));
}

/** @param script a file of this folder that calls {@link serveUsage} once it listens */
export async function startChild(script: string, env: Record<string, string> = {}) {
  const reports: Report[] = [];
  let wake: (() => void) | undefined;
  const child = Bun.spawn(["bun", `${import.meta.dir}/${script}`], {
    env: { ...process.env, ...env },
    stdout: "inherit",
    stderr: "inherit",
    ipc(message) {
      reports.push(Report.parse(message));
      wake?.();
    },
  });
  running.add(child);
  void child.exited.then(() => running.delete(child));
  async function next(): Promise<Report> {
    for (;;) {
      const report = reports.shift();
      if (report) return report;
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
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** The child's side. It ends with its parent, whatever that dies of. */
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
