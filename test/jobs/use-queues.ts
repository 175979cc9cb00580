// Queues of several servers on one database, whose polls are called by the test.
import { afterEach } from "bun:test";
import { z } from "zod";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import type { JobKind, JobRun, NewJob } from "../../src/jobs/jobs.ts";
import { addJob } from "../../src/jobs/queries.ts";
import { CapturedLog } from "../world/captured.ts";
import { useWorld } from "../world/world.ts";

const Payload = z.object({ n: z.int() });
export type Payload = z.infer<typeof Payload>;

/** To be called once, at the beginning of a file. */
export function useQueues() {
  const log = new CapturedLog();
  const world = useWorld({ logTo: log });
  const queues: JobQueue[] = [];
  let kinds = 0;

  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.stop(0)));
    await world.sql`delete from jobs`;
  });

  /** A kind of its own, which the servers of the world do not know. */
  function kindOf(
    run: (n: number, run: JobRun<Payload>) => Promise<void>,
    more: Partial<JobKind<Payload>> = {},
  ): JobKind<Payload> {
    kinds += 1;
    return {
      name: `kind_${String.fromCharCode(96 + kinds)}`,
      payload: Payload,
      concurrency: 10,
      timeoutMs: 60_000,
      retryMs: [1, 1],
      run: ({ n }, given) => run(n, given),
      ...more,
    };
  }

  /** A server's queue. */
  function queueOf(
    kind: JobKind<Payload>,
    jobEnded: (kind: string, outcome: string) => void = () => {},
    leaseMs?: number,
  ): JobQueue {
    const metrics = { jobsHandled() {}, jobEnded };
    const { sql, ctx } = world;
    const queue = new JobQueue({
      sql,
      log: ctx.log,
      metrics,
      lifecycle: { closing: false },
      leaseMs,
    });
    queue.handle(kind);
    queues.push(queue);
    return queue;
  }

  const add = (kind: JobKind<Payload>, n: number, more: Partial<NewJob> = {}) =>
    addJob(world.sql, { kind: kind.name, payload: { n }, ...more });
  const rows = () => world.sql`
    select attempts, is_running, dead_at is not null as is_dead, error, payload, due_at > now() as is_later from jobs order by id
  `;
  return { world, log, kindOf, queueOf, add, rows };
}
