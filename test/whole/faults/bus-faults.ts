// The faults of the bus between servers, and of servers that share one.
import type { NatsProxy } from "../../world/nats-proxy.ts";
import { load, until, type Fault, type Round } from "./round.ts";
import type { BusStage } from "./stage.ts";

/** Many people come and go, answers run, and sockets are cut, since all of that crosses servers. */
const mix = { questions: 0.15, movePauseMs: 300, stopPauseMs: 500 };

export const onBus = {
  "bus killed": { play: killBus, mix },
  "bus hung": { play: hangBus, mix },
  "bus cut from one": { play: cutOne, mix },
  "bus late": { play: delayBus, mix },
  "bus doubled": { play: doubleBus, mix },
  "bus lossy": { play: loseMessages, mix },
  "one of several killed": { play: killOne, mix },
  "one of several stands still": { play: stopOne, mix: { ...mix, questions: 0.3 } },
  "several restarted in turn": { play: restartInTurn, mix },
} satisfies Record<string, Fault<BusStage>>;

async function killBus({ nats }: BusStage, round: Round) {
  await load(round, 200, 800);
  round.figures.faults += 1;
  await nats.kill();
  await load(round, 100, 2_500);
  await nats.start();
  await load(round, 200, 800);
}

async function hangBus({ nats }: BusStage, round: Round) {
  await load(round, 200, 800);
  round.figures.faults += 1;
  nats.pause();
  await load(round, 200, 3_500);
  nats.resume();
  await load(round, 200, 800);
}

async function cutOne({ proxies }: BusStage, round: Round) {
  const proxy = round.random.pick(proxies);
  await load(round, 100, 600);
  round.figures.faults += 1;
  proxy.cut();
  await load(round, 100, 2_500);
  proxy.mend();
  await load(round, 200, 800);
}

async function delayBus({ proxies }: BusStage, round: Round) {
  const { random, figures } = round;
  await load(round, 50, 300);
  for (const proxy of proxies) proxy.play({ delayMs: random.pick([0, 20, 150, 600]) });
  figures.faults += 1;
  await load(round, 300, 1_500);
  for (const proxy of proxies) proxy.play({});
  await load(round, 100, 500);
}

async function doubleBus({ proxies }: BusStage, round: Round) {
  const { random } = round;
  await playUntilFaulted(proxies, round, () => ({
    double: random.pick([0.1, 0.5, 1]),
    doubleMs: random.pick([0, 30, 400, 1_500]),
  }));
}

async function loseMessages({ proxies }: BusStage, round: Round) {
  const { random } = round;
  await playUntilFaulted(proxies, round, () => ({ drop: random.pick([0.05, 0.3, 0.8]) }));
}

async function playUntilFaulted(
  proxies: readonly NatsProxy[],
  round: Round,
  faultsOf: () => Parameters<NatsProxy["play"]>[0],
) {
  const count = () => proxies.reduce((sum, proxy) => sum + proxy.faulted, 0);
  const before = count();
  for (const proxy of proxies) proxy.play(faultsOf());
  await load(round, 300, 1_500);
  // However slow the machine is, something happens.
  await until(async () => count() > before);
  for (const proxy of proxies) proxy.play({});
  round.figures.faults += count() - before;
  await load(round, 50, 400);
}

async function killOne({ server }: BusStage, round: Round) {
  const { random, block, figures } = round;
  await load(round, 100, 900);
  block.recovery.begin();
  figures.faults += 1;
  await server.killAndStart(random.pick(server.nodes));
  await load(round, 50, 400);
}

/** Mostly for longer than others wait for a server that is gone: they must see that it is not. */
async function stopOne({ server }: BusStage, round: Round) {
  const { random, block, figures } = round;
  await load(round, 200, 1_000);
  block.recovery.begin();
  figures.faults += 1;
  const node = random.pick(server.nodes);
  node.pause();
  await load(round, 3_000, 8_000);
  node.resume();
  await load(round, 100, 600);
}

async function restartInTurn({ server }: BusStage, round: Round) {
  for (const node of server.nodes) {
    await load(round, 200, 1_000);
    round.block.recovery.begin();
    round.figures.faults += 1;
    await server.restart(node);
  }
}
