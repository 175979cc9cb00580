// Deliveries, messages, connections, presence and read positions.
import * as connecting from "./connecting.ts";
import * as deliveries from "./deliveries.ts";
import * as messages from "./messages.ts";
import * as presence from "./presence.ts";
import * as reactions from "./reactions.ts";
import * as reads from "./reads.ts";
import type { Scale } from "./scale.ts";
import * as storms from "./storm.ts";
import type { Measure, Row } from "./row.ts";

export const deliveryRows = ({ rooms, crowd, joiners }: Scale): Row[] => [
  ...rooms.map((size): Row => ({
    name: `cpu per delivery, room of ${size}`,
    unit: "µs",
    target: "≤ 1.05×",
    ours: (bench) => deliveries.cpuOfDelivery(bench, "product", size),
    reference: (bench) => deliveries.cpuOfDelivery(bench, "reference", size),
  })),
  {
    name: `longest hold by a publish to ${crowd} sockets`,
    unit: "ms",
    target: "≤ 10 ms",
    ours: (bench) => deliveries.longestHold(bench, "product"),
    reference: (bench) => deliveries.longestHold(bench, "reference"),
  },
  {
    name: `frames about arrivals when ${joiners} join`,
    unit: "",
    target: "linear",
    ours: deliveries.framesOfArrivals,
    pairsMax: 1,
  },
];

const perSecond: Measure = async (bench) => (await messages.throughput(bench, "spread")).perSecond;

export const messageRows: Row[] = [
  {
    name: "acknowledged, spread, bare insert",
    unit: "/s",
    target: "≥ 0.6×",
    ours: perSecond,
    reference: (bench) => messages.rawInserts(bench, "bare", "spread"),
  },
  {
    name: "acknowledged, spread, own statement",
    unit: "/s",
    target: "",
    ours: perSecond,
    reference: (bench) => messages.rawInserts(bench, "product", "spread"),
  },
  {
    name: "acknowledged, one hot room",
    unit: "/s",
    target: "≥ 0.9×",
    ours: async (bench) => (await messages.throughput(bench, "hot")).perSecond,
    reference: perSecond,
  },
  {
    name: "cpu per message, acknowledged",
    unit: "µs",
    target: "≤ 1.6×",
    ours: async (bench) => (await messages.throughput(bench, "spread")).cpuMicros,
    reference: messages.referenceCpu,
  },
  {
    name: "cpu per reaction of many at once, to messages",
    unit: "µs",
    target: "≤ 1×",
    ours: (bench) => reactions.cpuInCrowd(bench, "reaction"),
    reference: (bench) => reactions.cpuInCrowd(bench, "message"),
  },
  {
    name: "p99 send to delivery",
    unit: "ms",
    target: "≤ 2×",
    ours: (bench) => messages.latency(bench, "product", bench.scale.rate),
    reference: (bench) => messages.latency(bench, "reference", bench.scale.rate),
  },
];

export const connectionRows: Row[] = [
  {
    name: "connect, sign in, join, catch up",
    unit: "µs",
    target: "≤ 5×",
    ours: (bench) => connecting.connecting(bench, "product"),
    reference: (bench) => connecting.connecting(bench, "reference"),
  },
  {
    name: "restart storm, all caught up",
    unit: "ms",
    target: "≤ 1/3 of before",
    ours: async (bench) => (await storms.storm(bench, "product")).caughtUpMs,
    reference: async (bench) => (await storms.storm(bench, "reference")).caughtUpMs,
  },
  {
    name: "restart storm, p99 of others' messages, to without",
    unit: "ms",
    target: "≤ 2×",
    ours: async (bench) => (await storms.storm(bench, "product")).othersP99Ms,
    reference: (bench) => storms.othersAlone(bench, "product"),
  },
  {
    name: "p99 of others' messages of a bare server in a restart storm, to without",
    unit: "ms",
    target: "the floor",
    ours: async (bench) => (await storms.storm(bench, "reference")).othersP99Ms,
    reference: (bench) => storms.othersAlone(bench, "reference"),
  },
  {
    name: "bytes of an idle socket",
    unit: "B",
    target: "≤ 5,120 B",
    ours: (bench) => connecting.idleSocket(bench, "product"),
    reference: (bench) => connecting.idleSocket(bench, "reference"),
    pairsMax: 3,
  },
];

export const presenceRows = ({ stormClients }: Scale): Row[] => [
  {
    name: `presence of ${stormClients} who come back, to a quarter of them`,
    unit: "µs",
    target: "≤ 1.3×",
    ours: (bench) => presence.comingBack(bench, stormClients),
    reference: (bench) => presence.comingBack(bench, Math.ceil(stormClients / 4)),
    pairsMax: 3,
  },
];

export const readRows: Row[] = [
  {
    name: `read positions in a room of ${reads.size}`,
    unit: "µs",
    target: "",
    ours: reads.cpuOfRead,
    pairsMax: 3,
  },
];
