// The recurring tasks of a server.
import type { PeopleChanges } from "./accounts/people-changes.ts";
import { cleanUpLinks } from "./account-mail/actions.ts";
import { cleanUpSessions } from "./accounts/authentication.ts";
import { checkSessions } from "./accounts/session-check.ts";
import { continueDeletions } from "./account-deletion/job.ts";
import { cleanUpAnswers } from "./answers/clean-up.ts";
import { removeCopies } from "./answers/files/copies.ts";
import { recoverAnswers } from "./answers/recovery.ts";
import { cleanUpUploads, purgeFiles } from "./attachments/purge.ts";
import { cleanUpAudit } from "./audit/audit.ts";
import { purgeDeletedChats } from "./chats/purge.ts";
import type { Ctx } from "./context.ts";
import { cleanUpVisits } from "./identities/visits.ts";
import type { Presence } from "./presence/presence.ts";
import type { JobQueue } from "./jobs/job-queue.ts";
import type { Peers } from "./realtime/peers.ts";
import { every, resting } from "./schedule.ts";
import type { SearchIndexer } from "./search/indexer.ts";
import { createLogCheck, findGone } from "./socket/log-check.ts";
import type { Memberships } from "./socket/memberships.ts";
import { cleanUpWebhooks, followNewChats, tellWebhooks } from "./webhooks/actions.ts";
import { resealSecrets } from "./webhooks/reseal.ts";
import type { SocketRegistry } from "./socket/registry.ts";

/** Durations in milliseconds. Tests shorten them. */
export interface TaskDurations {
  /** A peer that was silent from one heartbeat to the next is cut off. */
  heartbeatMs: number;
  /** Between two looks for sockets whose token has expired or never came. */
  sessionCheckMs: number;
  /**
   * Sockets of a session that another node has ended are closed within this, and people who told another node whether they want
   * to be seen are shown or hidden.
   */
  endedCheckMs: number;
  /** A frame that was lost and has no successor is noticed within this. */
  logCheckMs: number;
  /** Between two beats of the rooms in which something was numbered, and between two signs of life, for other servers. */
  beatMs: number;
  aliveMs: number;
  /**
   * {@link logCheckMs} where there is a bus between servers, and while it is away. A frame may come 2 s late: of these the sequencer waits
   * a quarter of a second for what is missing, and the rest is for the two readings.
   */
  sharedLogCheckMs: number;
  awayCheckMs: number;
  /** Between two looks for people who came into chats or left them. */
  membershipPollMs: number;
  /** Between two looks for answers whose node is gone. */
  recoveryMs: number;
  /** Between two purges of deleted chats and of files, which rest while there is nothing to do, and two looks for deleted accounts. */
  purgeMs: number;
  /** Between two looks for people whose presence has changed. */
  presencePollMs: number;
  /** Between two looks for people whose profiles or blocks have changed. */
  peoplePollMs: number;
  /** Between two renewals of the lease of this server's people: a third of the lease at most. */
  presenceRenewMs: number;
  /** Between two looks for messages that searches do not find yet. */
  indexMs: number;
  /** Between two looks for jobs that are due, and two counts of all jobs. */
  jobPollMs: number;
  jobCountMs: number;
  /**
   * Between two looks for events of webhooks, which rest while no webhook is on, and for chats that people with webhooks of their own
   * have joined.
   */
  webhookMs: number;
  webhookChatsMs: number;
  cleanUpMs: number;
}

export const defaultTaskDurations: TaskDurations = {
  heartbeatMs: 25_000,
  sessionCheckMs: 1_000,
  endedCheckMs: 3_000,
  logCheckMs: 2_000,
  beatMs: 400,
  aliveMs: 1_000,
  sharedLogCheckMs: 1_500,
  awayCheckMs: 500,
  membershipPollMs: 1_000,
  recoveryMs: 500,
  purgeMs: 1_000,
  presencePollMs: 1_000,
  peoplePollMs: 1_000,
  presenceRenewMs: 8_000,
  indexMs: 750,
  jobPollMs: 500,
  jobCountMs: 10_000,
  webhookMs: 400,
  webhookChatsMs: 2_000,
  cleanUpMs: 10 * 60_000,
};

/** The objects that have something to do from time to time. */
export interface TaskParts {
  ctx: Ctx;
  sockets: SocketRegistry;
  presence: Presence;
  peopleChanges: PeopleChanges;
  memberships: Memberships;
  indexer: SearchIndexer;
  jobs: JobQueue;
  /** Undefined where there is no bus. */
  peers: Peers | undefined;
}

/** @returns a stop for each recurring task */
export function startTasks(parts: TaskParts, times: TaskDurations): (() => void)[] {
  const { ctx, sockets, presence, peopleChanges, memberships, indexer, jobs, peers } = parts;
  const { log } = ctx;
  const { cleanUpMs } = times;
  const purge = (name: string, task: (ctx: Ctx) => Promise<boolean>) => {
    const rested = resting(() => task(ctx));
    return every(times.purgeMs, name, log, rested);
  };
  // The events of the first webhook that is turned on may wait for 2 s.
  const tellWhileAnyIsOn = resting(() => tellWebhooks(ctx));
  return [
    ...(peers ? startPeerTasks(parts, peers, times) : []),
    every(times.heartbeatMs, "heartbeat", log, () => void sockets.heartbeat()),
    every(times.sessionCheckMs, "sessions", log, () => sockets.checkSessions(ctx.now().getTime())),
    every(peers ? times.sharedLogCheckMs : times.logCheckMs, "log check", log, createLogCheck(ctx)),
    every(times.membershipPollMs, "memberships", log, () => memberships.poll()),
    // Answers that a server before this one has handed over go on without a wait.
    every(times.recoveryMs, "answer recovery", log, () => recoverAnswers(ctx), {
      atOnce: true,
    }),
    every(times.endedCheckMs, "ended sessions", log, () =>
      checkSessions(ctx, sockets.sessionIds()),
    ),
    purge("purge of deleted chats", purgeDeletedChats),
    purge("purge of files", purgeFiles),
    purge("purge of the model's copies of files", removeCopies),
    every(times.purgeMs, "deletion of accounts", log, () => continueDeletions(ctx)),
    every(times.presencePollMs, "presence", log, () => {
      presence.people.checkIdle();
      return presence.watches.poll();
    }),
    // At once, so that no change is missed by the first sockets.
    every(times.peoplePollMs, "changed people", log, () => peopleChanges.poll(), { atOnce: true }),
    every(cleanUpMs, "clean-up of changed people", log, () => peopleChanges.cleanUp()),
    every(times.presenceRenewMs, "presence lease", log, () => presence.people.renew()),
    every(times.indexMs, "search index", log, () => indexer.run()),
    // Jobs that a server before this one has left are done at once.
    every(times.jobPollMs, "jobs", log, () => jobs.poll(), { atOnce: true }),
    every(times.jobCountMs, "count of jobs", log, () => jobs.count()),
    every(times.webhookMs, "webhooks", log, tellWhileAnyIsOn),
    every(times.webhookChatsMs, "chats of webhooks", log, () => followNewChats(ctx)),
    every(cleanUpMs, "clean-up of webhooks", log, () => cleanUpWebhooks(ctx)),
    // At once, since SECRET_KEY_PREVIOUS is there for a while only.
    every(cleanUpMs, "secrets of webhooks", log, () => resealSecrets(ctx), { atOnce: true }),
    every(cleanUpMs, "clean-up of jobs", log, () => jobs.cleanUp()),
    every(cleanUpMs, "presence clean-up", log, () => presence.cleanUp()),
    every(cleanUpMs, "session clean-up", log, () => cleanUpSessions(ctx)),
    every(cleanUpMs, "clean-up of mail links", log, () => cleanUpLinks(ctx)),
    every(cleanUpMs, "clean-up of sign-ins by providers", log, () => cleanUpVisits(ctx)),
    every(cleanUpMs, "rate clean-up", log, () => ctx.rateLimits.cleanUp()),
    every(cleanUpMs, "upload clean-up", log, () => cleanUpUploads(ctx)),
    every(cleanUpMs, "answer clean-up", log, () => cleanUpAnswers(ctx)),
    every(cleanUpMs, "audit clean-up", log, () => cleanUpAudit(ctx)),
  ];
}

function startPeerTasks(parts: TaskParts, peers: Peers, times: TaskDurations): (() => void)[] {
  const { ctx, presence } = parts;
  const { log } = ctx;
  return [
    every(times.beatMs, "beats of active rooms", log, () => peers.beat()),
    every(times.aliveMs, "sign of life", log, () => peers.tellAlive()),
    // Alone, since messages wait for it: no other reading may hold it up.
    every(times.awayCheckMs, "log check without the bus", log, async () => {
      if (peers.bus === "away") await findGone(ctx);
    }),
    every(times.aliveMs, "servers without the bus", log, async () => {
      if (peers.bus === "away") peers.keepOnly(await presence.liveServers());
    }),
  ];
}
