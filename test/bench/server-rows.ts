// Several servers of one database, which share their rooms over NATS.
import * as servers from "./servers.ts";
import type { Scale } from "./scale.ts";
import type { Row } from "./row.ts";

export const serverRows = ({ busAwayMs, busRooms, spreadRooms, hotServers }: Scale): Row[] => [
  ...[2, 4].map((count): Row => ({
    name: `cpu per delivery on ${count} servers, all together, to one`,
    unit: "µs",
    target: "≤ 1.15×",
    ours: (bench) => servers.cpuOfDelivery(bench, count),
    reference: (bench) => servers.cpuOfDelivery(bench, 1),
    pairsMax: 3,
  })),
  {
    name: "p99 send to delivery on another server, to the same",
    unit: "ms",
    target: "≤ 1.5×",
    ours: (bench) => servers.latency(bench, "other"),
    reference: (bench) => servers.latency(bench, "same"),
    pairsMax: 3,
  },
  {
    name: "bytes of a message to the bus",
    unit: "B",
    target: "",
    ours: (bench) => servers.bytesOfMessage(bench, "in"),
    pairsMax: 1,
  },
  {
    name: "bytes of a message from the bus to 4 servers of which 1 listens, to those to the bus",
    unit: "B",
    target: "≤ 1.1×",
    ours: (bench) => servers.bytesOfMessage(bench, "out"),
    reference: (bench) => servers.bytesOfMessage(bench, "in"),
    pairsMax: 1,
  },
  {
    name: `latest message while the bus is away for ${busAwayMs} ms`,
    unit: "ms",
    target: "≤ 2,000 ms",
    ours: async (bench) => (await servers.away(bench)).latestMs,
    pairsMax: 1,
  },
  {
    name: `recovery after the bus was away for ${busAwayMs} ms`,
    unit: "ms",
    target: "",
    ours: async (bench) => (await servers.away(bench)).recoveredMs,
    pairsMax: 1,
  },
  {
    name: `subscribing to ${busRooms} rooms`,
    unit: "ms",
    target: "",
    ours: servers.subscribing,
    pairsMax: 3,
  },
  {
    name: "stop of an answer from another server",
    unit: "ms",
    target: "≤ 200 ms",
    ours: servers.stopping,
    pairsMax: 1,
  },
  {
    name: `subscriptions for each of ${spreadRooms} rooms on 4 servers`,
    unit: "",
    target: "",
    ours: servers.subscriptionsOfRoom,
    pairsMax: 1,
  },
  {
    name: `cpu per delivery in a hot room on ${hotServers} servers, all together, to one`,
    unit: "µs",
    target: "",
    ours: (bench) => servers.cpuOfHotRoom(bench, hotServers),
    reference: (bench) => servers.cpuOfHotRoom(bench, 1),
    pairsMax: 3,
  },
];
