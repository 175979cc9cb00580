// The faults, each played in rounds on the real server under load, in blocks that end with the one check of all.
import { writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { Sql } from "../../../src/database/connect.ts";
import { openBlock } from "./block.ts";
import { addFigures, noFigures, type Figures } from "./figures.ts";
import type { Violation } from "./history.ts";
import { paced, usualMix } from "./mix.ts";
import { Cleanup } from "../../world/cleanup.ts";
import { createRandom, type Random } from "./random.ts";
import { openBusStage, openDatabaseStage, openKillStage, openPairStage } from "./stage.ts";
import { onBus } from "./bus-faults.ts";
import type { BusStage, DatabaseStage, GroupStage, KillStage, Stage } from "./stage.ts";
import { load, until, type Fault, type Round } from "./round.ts";

const roundsInBlock = 10;
const acksBetweenKills = 10;
/** Violations of a rule that are shown; all are kept with the tapes. */
const shownOfRule = 5;
/** The round in which somebody goes for good. A short block ends before anything could come of it. */
const absenceRound = 2;

export interface FaultsOptions {
  seed: string;
  /** The number of rounds of each fault. */
  rounds: Record<FaultName, number>;
  /** How long PostgreSQL is gone, now and then. */
  awayMs: number;
  /** Servers that share one NATS; 2 unless said otherwise. */
  servers?: number;
  /** Stages of each kind on which blocks are played side by side; 1 unless said otherwise. */
  parallel?: number;
  /** Multiplies the pauses of the people; 1 unless said otherwise. */
  pauseFactor?: number;
  say: (line: string) => void;
}

export interface Outcome {
  figures: Map<FaultName, Figures>;
  violations: (Violation & { fault: FaultName })[];
}

const onServer = {
  "kill -9": { play: killServer, mix: { exportPauseMs: 150, departPauseMs: 300, departures: 8 } },
} satisfies Record<string, Fault<KillStage>>;

const onPair = {
  "rolling restart": { play: restartInTurn, mix: { questions: 0.1 } },
} satisfies Record<string, Fault<GroupStage>>;

const onDatabase = {
  "database stopped": { play: stopDatabase },
  "connections ended": { play: endConnections },
  "replies lost": { play: loseReplies },
  "answers killed": {
    play: killAnswers,
    mix: {
      sendPauseMs: 150,
      questions: 0.3,
      stopPauseMs: 400,
      retryMsMax: 600,
      movePauseMs: 1_500,
    },
  },
  "sockets cut": { play: cutSockets, mix: { questions: 0.15 } },
  "people removed": { play: movePeople, mix: { movePauseMs: 15 } },
} satisfies Record<string, Fault<DatabaseStage>>;

export type FaultName =
  keyof typeof onServer | keyof typeof onPair | keyof typeof onDatabase | keyof typeof onBus;
export const faultNames = [onServer, onPair, onDatabase, onBus].flatMap(Object.keys) as FaultName[];

/** Kills the server at any time, and half of the time during an export, or in what follows the deletion of an account. */
async function killServer({ server }: KillStage, round: Round) {
  const { random, block, figures } = round;
  const { departures, exports } = figures;
  if (random.chance(0.6) && block.hasLeavers()) {
    await until(async () => figures.departures > departures);
    await load(round, 0, 1_300);
  } else if (random.chance(0.3)) {
    await until(async () => figures.exports > exports);
    await load(round, 100, 500);
  } else {
    await load(round, 50, 700);
  }
  block.recovery.begin();
  await server.kill();
  figures.faults += 1;
  if (random.chance(0.15)) {
    server.begin();
    await load(round, 0, 600);
    await server.kill();
    figures.faults += 1;
  }
  await server.start();
}

/** As a new release is brought out: one server after the other, each when the one before it is there again. */
async function restartInTurn({ server }: GroupStage, round: Round) {
  const { block, figures } = round;
  for (const node of server.nodes) {
    await load(round, 200, 1_000);
    block.recovery.begin();
    figures.faults += 1;
    await server.restart(node);
  }
}

/** Whether a running answer has text that survives its server. */
async function isAnswerKept(sql: Sql): Promise<boolean> {
  const kept =
    await sql`select 1 from messages where status = 'streaming' and content <> '' limit 1`;
  return kept.length > 0;
}

/** Ends the leases of the dead server. Rows that its unfinished statements still lock are skipped. */
async function endLeases(sql: Sql) {
  await sql`
    update answer_runs set lease_expires_at = now()
    where id in (select id from answer_runs for update skip locked)
  `;
}

/**
 * Kills the server in the middle of answers, while people join, leave and stop them. Half of the time the next server
 * need not wait until their leases have run out.
 */
async function killAnswers({ server, victim }: DatabaseStage, round: Round) {
  const { random, block, figures } = round;
  const sql = victim.open();
  // However slow the machine is, people get something done between two kills.
  const acksWanted = figures.acks + acksBetweenKills;
  await until(async () => figures.acks >= acksWanted);
  for (let left = random.int(0, 4); left > 0; left -= 1) {
    await load(round, 50, 500);
    random.pick(block.clients).cut();
  }
  // A question takes more steps than a message, and must have time for them as well.
  if (random.chance(0.7)) await until(() => isAnswerKept(sql));
  await load(round, 100, 1_500);
  block.recovery.begin();
  await server.kill();
  figures.faults += 1;
  if (random.chance(0.5)) await endLeases(sql);
  await sql.end({ timeout: 1 });
  if (random.chance(0.15)) {
    server.begin();
    await load(round, 0, 900);
    await server.kill();
    figures.faults += 1;
  }
  await server.start();
}

async function stopDatabase({ victim }: DatabaseStage, round: Round) {
  const { block, figures, index, awayMs } = round;
  await load(round, 50, 600);
  figures.faults += 1;
  block.recovery.begin();
  if (index % 5 === 1) await victim.goAway(awayMs);
  else await victim.stopAtOnce();
  block.recovery.begin();
  await load(round, 200, 800);
}

async function endConnections({ victim }: DatabaseStage, round: Round) {
  const { random, block, figures } = round;
  const sql = victim.open();
  const times = random.int(5, 15);
  for (let time = 0; time < times; time += 1) {
    await load(round, 5, 80);
    const parts = random.int(1, 3);
    const part = random.int(0, parts - 1);
    figures.faults += 1;
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'gemini-coop' and pid <> pg_backend_pid() and pid % ${parts}::int = ${part}::int
    `;
    block.recovery.begin();
  }
  await sql.end({ timeout: 1 });
  await load(round, 100, 400);
}

async function loseReplies({ proxy }: DatabaseStage, round: Round) {
  const { random, block, figures } = round;
  const before = proxy.dropped;
  proxy.play({
    dropAfterCommit: random.pick([0.02, 0.1, 0.3]),
    dropBefore: random.pick([0, 0.05]),
    dropDuring: random.pick([0, 0.1]),
    delay: random.pick([0, 0.2]),
    delayMsMax: 40,
  });
  await load(round, 300, 900);
  // However slow the machine is, something is lost.
  await until(async () => proxy.dropped > before);
  proxy.play({});
  block.recovery.begin();
  figures.faults += proxy.dropped - before;
  await load(round, 50, 300);
}

async function cutSockets(_: DatabaseStage, round: Round) {
  const { random, block, figures } = round;
  const times = random.int(10, 30);
  for (let time = 0; time < times; time += 1) {
    await load(round, 1, 60);
    random.pick(block.clients).cut();
    figures.faults += 1;
  }
}

/** The load itself does it, and often. */
async function movePeople(_: DatabaseStage, round: Round) {
  const { figures } = round;
  const before = figures.moves;
  await load(round, 300, 900);
  figures.faults += figures.moves - before;
}

/** @param cleanup ends what is started, if the program ends before */
export async function playFaults(
  options: FaultsOptions,
  cleanup: Cleanup = new Cleanup(),
): Promise<Outcome> {
  const outcome: Outcome = { figures: new Map(), violations: [] };
  const random = createRandom(options.seed);
  await Promise.all([
    playAll(onServer, () => openKillStage(cleanup), options, random, outcome).then(() =>
      playAll(onPair, () => openPairStage(cleanup), options, random, outcome),
    ),
    playAll<BusStage>(
      onBus,
      () => openBusStage(cleanup, random.fork("bus"), options.servers ?? 2),
      options,
      random,
      outcome,
    ),
    playAll(
      onDatabase,
      () => openDatabaseStage(cleanup, random.fork("proxy")),
      options,
      random,
      outcome,
    ),
  ]);
  return outcome;
}

/** A few rounds of one fault that are checked together. */
interface Turn {
  name: FaultName;
  /** Rounds of the fault in the turns before this one. */
  from: number;
  rounds: number;
}

function turnsOf(names: readonly FaultName[], rounds: FaultsOptions["rounds"]): Turn[] {
  return names.flatMap((name) => {
    const turns = Math.ceil(rounds[name] / roundsInBlock);
    return Array.from({ length: turns }, (_, turn) => {
      const from = turn * roundsInBlock;
      return { name, from, rounds: Math.min(roundsInBlock, rounds[name] - from) };
    });
  });
}

/** Plays turns on several stages, each of which takes the next one when it is ready for it. */
async function playAll<S extends Stage>(
  faults: Partial<Record<FaultName, Fault<S>>>,
  openStage: () => Promise<S>,
  options: FaultsOptions,
  random: Random,
  outcome: Outcome,
) {
  const wanted = faultNames.filter((name) => faults[name] && options.rounds[name] > 0);
  for (const name of wanted) outcome.figures.set(name, noFigures());
  const turns = turnsOf(wanted, options.rounds);
  const stages = Math.min(options.parallel ?? 1, turns.length);
  await Promise.all(Array.from({ length: stages }, () => playTurns(turns)));

  async function playTurns(turns: Turn[]) {
    const stage = await openStage();
    try {
      for (let turn = turns.shift(); turn; turn = turns.shift()) {
        const fault = faults[turn.name];
        // After a violation a fault is not played any more.
        const isOver = outcome.violations.some((violation) => violation.fault === turn?.name);
        if (fault && !isOver) await playTurn(turn, fault, stage, options, random, outcome);
      }
    } finally {
      await stage.stop();
    }
  }
}

async function playTurn<S extends Stage>(
  { name, from, rounds }: Turn,
  fault: Fault<S>,
  stage: S,
  { awayMs, pauseFactor = 1, say }: FaultsOptions,
  random: Random,
  outcome: Outcome,
) {
  const begun = performance.now();
  // The figures are those of this block alone, since a round waits for what they count.
  const figures = noFigures();
  const mix = paced({ ...usualMix, ...fault.mix }, pauseFactor);
  const own = random.fork(name).fork(`block ${from}`);
  // The names of people begin with it, and have at most 32 characters.
  const idPrefix = `${name.replaceAll(" ", "").slice(0, 16)}${from}`;
  const { cast, model, server, filesFolder, openDatabase, takeIncidents } = stage;
  const parts = {
    ...{ cast, model, server, filesFolder, openDatabase, takeIncidents },
    ...{ mix, figures, idPrefix },
  };
  const block = await openBlock({ ...parts, random: own });
  for (let index = 0; index < rounds; index += 1) {
    const isLeaving = rounds === roundsInBlock && index === absenceRound;
    if (isLeaving) block.absentee.retire();
    await fault.play(stage, { block, random: own.fork(`round ${index}`), figures, index, awayMs });
    // Where the fault has not broken the connection.
    if (isLeaving) block.absentee.cut();
    figures.rounds += 1;
  }
  const { violations, tapes } = await block.settle();
  outcome.violations.push(...violations.map((violation) => ({ fault: name, ...violation })));
  const all = outcome.figures.get(name) ?? noFigures();
  addFigures(all, figures);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  say(
    `${name}: ${all.rounds} rounds, ${all.acks} acked, ${violations.length} violations; the last ${rounds} took ${seconds} s`,
  );
  if (violations.length === 0) return;
  for (const [rule, found] of Map.groupBy(violations, (violation) => violation.rule)) {
    say(`  ${rule}, ${found.length} in all:`);
    for (const { detail } of found.slice(0, shownOfRule)) say(`    ${detail}`);
  }
  // Where processes wait for a processor for seconds, a reply that is overdue may say nothing of the server.
  say(`  the load average is ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} processors`);
  const file = join(tmpdir(), `gemini-coop-tapes-${process.pid}-${idPrefix}.json`);
  writeFileSync(file, JSON.stringify({ violations, tapes }));
  say(`  the tapes are in ${file}`);
  say(`  the server said last:\n${stage.server.lastLines()}`);
}
