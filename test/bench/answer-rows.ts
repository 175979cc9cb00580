// Answers of the model.
import * as answers from "./answers.ts";
import type { Row } from "./row.ts";

export const answerRows: Row[] = [
  {
    name: "answer's first chunk, idle, median",
    unit: "ms",
    target: "≤ 3 ms more",
    added: true,
    ours: (bench) => answers.firstChunkIdle(bench, "product"),
    reference: (bench) => answers.firstChunkIdle(bench, "bare"),
  },
  {
    name: "answer's first chunk after a long history, idle, median",
    unit: "ms",
    target: "",
    added: true,
    ours: answers.firstChunkAfterHistory,
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
