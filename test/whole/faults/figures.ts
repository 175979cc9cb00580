/** The figures of one fault's rounds. */
export interface Figures {
  rounds: number;
  /** How often the fault struck: kills, stops, cut connections … */
  faults: number;
  acks: number;
  retries: number;
  sentTwice: number;
  /** Messages with a file. */
  files: number;
  refused: number;
  moves: number;
  /** Edits and deletions that were acknowledged. */
  revisions: number;
  /** Reactions that were acknowledged. */
  reactions: number;
  /** Messages by incoming webhooks that were acknowledged. */
  hookPosts: number;
  /** Events that webhooks were told of, doubles included. */
  webhookEvents: number;
  reconnects: number;
  frames: number;
  /** Frames that tell of people's presence. */
  presences: number;
  answers: number;
  /** Answers that the model was asked to go on with. */
  resumed: number;
  /** Stops that were acknowledged. */
  stops: number;
  /** Exports that came whole. */
  exports: number;
  /** Exports that a fault has cut off. */
  cutExports: number;
  /** Accounts that were deleted. */
  departures: number;
  /** The longest time from a fault to the first message that was sent after it and acknowledged. */
  slowestRecoveryMs: number;
  violations: number;
}

export function noFigures(): Figures {
  return {
    rounds: 0,
    faults: 0,
    acks: 0,
    retries: 0,
    sentTwice: 0,
    files: 0,
    refused: 0,
    moves: 0,
    revisions: 0,
    reactions: 0,
    hookPosts: 0,
    webhookEvents: 0,
    reconnects: 0,
    frames: 0,
    presences: 0,
    answers: 0,
    resumed: 0,
    stops: 0,
    exports: 0,
    cutExports: 0,
    departures: 0,
    slowestRecoveryMs: 0,
    violations: 0,
  };
}

const titles: [keyof Figures, string][] = [
  ["rounds", "rounds"],
  ["faults", "faults"],
  ["acks", "acked"],
  ["retries", "retries"],
  ["sentTwice", "sent twice"],
  ["files", "with a file"],
  ["refused", "refused"],
  ["moves", "in/out"],
  ["revisions", "edited"],
  ["reactions", "reacted"],
  ["hookPosts", "by webhook"],
  ["webhookEvents", "told"],
  ["reconnects", "reconnects"],
  ["frames", "frames seen"],
  ["presences", "presence"],
  ["answers", "answers"],
  ["resumed", "went on"],
  ["stops", "stopped"],
  ["exports", "exported"],
  ["cutExports", "exports cut"],
  ["departures", "accounts deleted"],
  ["slowestRecoveryMs", "recovery ≤ ms"],
  ["violations", "violations"],
];

export function addFigures(to: Figures, added: Figures): void {
  for (const [name] of titles) {
    if (name === "slowestRecoveryMs") to[name] = Math.max(to[name], added[name]);
    else to[name] += added[name];
  }
}

/** One line a fault, and one for all. */
export function tableOf(figures: Map<string, Figures>): string {
  const all = noFigures();
  for (const one of figures.values()) addFigures(all, one);
  const rows = [
    ["fault", ...titles.map(([, title]) => title)],
    ...Array.from(figures, ([fault, one]) => [fault, ...titles.map(([name]) => text(one[name]))]),
    ["all", ...titles.map(([name]) => text(all[name]))],
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths?.[column] ?? 0;
          return column === 0 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join("  "),
    )
    .join("\n");
}

function text(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Measures how long it takes after a fault until messages are taken again. */
export function createRecovery(figures: Figures) {
  let since: number | undefined;
  return {
    /** From now on nothing works, or works again: the time counts from here. */
    begin() {
      since = performance.now();
    },
    acknowledged(sentAt: number) {
      if (since === undefined || sentAt < since) return;
      figures.slowestRecoveryMs = Math.max(figures.slowestRecoveryMs, performance.now() - since);
      since = undefined;
    },
  };
}
export type Recovery = ReturnType<typeof createRecovery>;
