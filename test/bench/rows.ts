// The rows of the table: how each is measured, and what it should reach.
import * as answers from "./answers.ts";
import type { Bench } from "./bench.ts";
import * as connecting from "./connecting.ts";
import * as deliveries from "./deliveries.ts";
import * as exporting from "./exporting.ts";
import * as files from "./files.ts";
import * as messages from "./messages.ts";
import * as people from "./people.ts";
import * as presence from "./presence.ts";
import * as reactions from "./reactions.ts";
import * as reading from "./reading.ts";
import * as reads from "./reads.ts";
import * as searching from "./searching.ts";
import * as servers from "./servers.ts";
import { hasNats } from "../world/nats.ts";
import type { Scale } from "./scale.ts";

export type Measure = (bench: Bench) => Promise<number>;

export interface Row {
  name: string;
  unit: string;
  /** Empty for a row that only explains another. */
  target: string;
  ours: Measure;
  /** The measurement to compare the product with: by a ratio, or with `added` by a difference. A row without it stands alone. */
  reference?: Measure;
  added?: boolean;
  /** Prepares the data of the row, once; it may take long. */
  prepare?: (bench: Bench) => Promise<unknown>;
  /** Fewer pairs than usual, for a row that takes long or hardly varies. */
  pairsMax?: number;
}

export function rowsOf(scale: Scale): Row[] {
  return rowKinds(scale).flat();
}

/** The rows that measure the same kind of work. */
export function rowKinds(scale: Scale): Row[][] {
  return [
    deliveryRows(scale),
    messageRows,
    connectionRows,
    presenceRows(scale),
    readRows,
    readingRows,
    exportRows(scale),
    fileRows,
    peopleRows(scale),
    searchRows,
    answerRows,
    hasNats ? serverRows(scale) : [],
  ];
}

const deliveryRows = ({ rooms, crowd, joiners }: Scale): Row[] => [
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

const serverRows = ({ busAwayMs, busRooms, spreadRooms, hotServers }: Scale): Row[] => [
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

const fileRows: Row[] = [
  {
    name: "cpu of an upload of 64 MB",
    unit: "ms",
    target: "≤ 1.3×",
    ours: (bench) => files.cpuOfUpload(bench, "product"),
    reference: (bench) => files.cpuOfUpload(bench, "reference"),
  },
  {
    name: "cpu of a download of 64 MB",
    unit: "ms",
    target: "≤ 1.3×",
    ours: (bench) => files.cpuOfDownload(bench, "product"),
    reference: (bench) => files.cpuOfDownload(bench, "reference"),
  },
  {
    name: `most memory during ${files.uploadsAtOnce} uploads of 64 MB at once, more than before`,
    unit: "MB",
    target: "≤ 100 MB",
    ours: files.memoryOfUploads,
    pairsMax: 1,
  },
  {
    name: "cpu of a photo of 12 megapixels",
    unit: "ms",
    target: "",
    ours: files.cpuOfPhoto,
  },
  {
    name: "p99 of messages during 20 photos, to without",
    unit: "ms",
    target: "≤ 1.5×",
    ours: (bench) => files.p99OfMessages(bench, { duringUploads: true }),
    reference: (bench) => files.p99OfMessages(bench, { duringUploads: false }),
  },
];

const perSecond: Measure = async (bench) => (await messages.throughput(bench, "spread")).perSecond;

const messageRows: Row[] = [
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

const connectionRows: Row[] = [
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
    ours: async (bench) => (await connecting.storm(bench, "product")).caughtUpMs,
    reference: async (bench) => (await connecting.storm(bench, "reference")).caughtUpMs,
  },
  {
    name: "restart storm, p99 of others' messages, to without",
    unit: "ms",
    target: "≤ 2×",
    ours: async (bench) => (await connecting.storm(bench, "product")).othersP99Ms,
    reference: connecting.othersAlone,
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

const presenceRows = ({ stormClients }: Scale): Row[] => [
  {
    name: `presence of ${stormClients} who come back, to a quarter of them`,
    unit: "µs",
    target: "≤ 1.3×",
    ours: (bench) => presence.comingBack(bench, stormClients),
    reference: (bench) => presence.comingBack(bench, Math.ceil(stormClients / 4)),
    pairsMax: 3,
  },
];

const readRows: Row[] = [
  {
    name: `read positions in a room of ${reads.size}`,
    unit: "µs",
    target: "",
    ours: reads.cpuOfRead,
    pairsMax: 3,
  },
];

const pages: Measure = (bench) => reading.history(bench, "product");

const readingRows: Row[] = [
  {
    name: "history of 50 from 1,000,000",
    unit: "/s",
    target: "≥ 1.0×",
    ours: pages,
    reference: (bench) => reading.history(bench, "reference"),
  },
  {
    name: "history of 50, against the messages alone",
    unit: "/s",
    target: "",
    ours: pages,
    reference: (bench) => reading.history(bench, "messages"),
  },
  {
    name: "list of 100 chats",
    unit: "/s",
    target: "≥ 1.0×",
    ours: (bench) => reading.chatList(bench, "product"),
    reference: (bench) => reading.chatList(bench, "reference"),
  },
];

const exportRows = ({ longChatLength }: Scale): Row[] => [
  ...exporting.kinds.flatMap((kind): Row[] => [
    {
      name: `export as ${kind}, through ${longChatLength} messages`,
      unit: "/s",
      target: "",
      ours: async (bench) => (await exporting.whole(bench, kind)).perSecond,
      pairsMax: 1,
    },
    {
      name: `most memory during an export as ${kind}, more than before`,
      unit: "MB",
      target: "≤ 64 MB",
      ours: async (bench) => (await exporting.whole(bench, kind)).grownMegabytes,
      pairsMax: 1,
    },
  ]),
  {
    name: "most memory during an export to a slow reader, more than before",
    unit: "MB",
    target: "≤ 64 MB",
    ours: exporting.slow,
    pairsMax: 1,
  },
];

const peopleRows = ({ namedPeople }: Scale): Row[] => [
  {
    name: `search among ${namedPeople} people, p99`,
    unit: "ms",
    target: "≤ 20 ms",
    ours: people.searchLatency,
    pairsMax: 3,
  },
];

const searchRows: Row[] = [
  ...searching.kinds.flatMap((kind): Row[] => [
    {
      name: `search for ${kind}, p50`,
      unit: "ms",
      target: "≤ 20 ms",
      prepare: searching.fillOnce,
      ours: (bench) => searching.duration(bench, kind, 0.5),
      pairsMax: 3,
    },
    {
      name: `search for ${kind}, p99`,
      unit: "ms",
      target: "≤ 100 ms",
      prepare: searching.fillOnce,
      ours: (bench) => searching.duration(bench, kind, 0.99),
      pairsMax: 3,
    },
  ]),
  {
    name: "longest wait until a message is found",
    unit: "ms",
    target: "≤ 2,000 ms",
    ours: searching.lag,
    pairsMax: 3,
  },
  {
    name: "median acknowledgement with indexing, to without",
    unit: "ms",
    target: "≤ 1.05×",
    ours: (bench) => searching.sending(bench, { indexed: true }),
    reference: (bench) => searching.sending(bench, { indexed: false }),
  },
];

const answerRows: Row[] = [
  {
    name: "answer's first chunk, idle, median",
    unit: "ms",
    target: "≤ 3 ms more",
    added: true,
    ours: (bench) => answers.firstChunkIdle(bench, "product"),
    reference: (bench) => answers.firstChunkIdle(bench, "bare"),
  },
  {
    name: "answer's first chunk, 100 running, p99",
    unit: "ms",
    target: "≤ 10 ms more",
    added: true,
    ours: (bench) => answers.firstChunkBusy(bench, "product"),
    reference: (bench) => answers.firstChunkBusy(bench, "bare"),
  },
  {
    name: "answer's first chunk, 100 asked at once, p99",
    unit: "ms",
    target: "",
    added: true,
    ours: (bench) => answers.firstChunkBurst(bench, "product"),
    reference: (bench) => answers.firstChunkBurst(bench, "bare"),
  },
  {
    name: "p99 of messages during 100 answers, to without",
    unit: "ms",
    target: "≤ 1.2×",
    ours: answers.latencyDuringAnswers,
    reference: answers.latencyWithoutAnswers,
  },
  {
    name: "bytes of an answer, 256 characters a piece",
    unit: "B",
    target: "≤ 3×",
    ours: (bench) => answers.bytesOfAnswer(bench, answers.usual(bench)),
    reference: async (bench) => answers.lengthOf(answers.usual(bench)),
    pairsMax: 1,
  },
  {
    name: "bytes of an answer, 8 characters a piece",
    unit: "B",
    target: "",
    ours: (bench) => answers.bytesOfAnswer(bench, answers.chatty(bench)),
    reference: async (bench) => answers.lengthOf(answers.chatty(bench)),
    pairsMax: 1,
  },
  {
    name: "writes of an answer that ends at once",
    unit: "",
    target: "",
    ours: (bench) => answers.writesOfAnswer(bench, 0.2),
    pairsMax: 1,
  },
  {
    name: "writes a second of a running answer",
    unit: "/s",
    target: "≤ 1 /s",
    ours: answers.writesPerSecond,
    pairsMax: 1,
  },
];
