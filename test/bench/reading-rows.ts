// Histories, exports, files, and searches.
import * as exporting from "./exporting.ts";
import * as files from "./files.ts";
import * as people from "./people.ts";
import * as reading from "./reading.ts";
import * as searching from "./searching.ts";
import type { Scale } from "./scale.ts";
import type { Measure, Row } from "./row.ts";

const pages: Measure = (bench) => reading.history(bench, "product");

export const readingRows: Row[] = [
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

export const exportRows = ({ longChatLength }: Scale): Row[] => [
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

export const fileRows: Row[] = [
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
    ours: (bench) => files.p99OfMessages(bench, "photos"),
    reference: (bench) => files.p99OfMessages(bench, "nothing"),
  },
  {
    name: "p99 of messages of a bare server that drops 20 photos, to without",
    unit: "ms",
    target: "",
    ours: (bench) => files.p99OfMessages(bench, "photos", "reference"),
    reference: (bench) => files.p99OfMessages(bench, "nothing", "reference"),
  },
  {
    name: "p99 of messages beside a process that computes, to without",
    unit: "ms",
    target: "",
    ours: (bench) => files.p99OfMessages(bench, "computing"),
    reference: (bench) => files.p99OfMessages(bench, "nothing"),
  },
];

export const peopleRows = ({ namedPeople }: Scale): Row[] => [
  {
    name: `search among ${namedPeople} people, p99`,
    unit: "ms",
    target: "≤ 20 ms",
    ours: people.searchLatency,
    pairsMax: 3,
  },
];

export const searchRows: Row[] = [
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
