// Metrics of sockets and their frames.
import type { Registry } from "prom-client";
import { ClientFrame } from "../../wire/client-frames.ts";
import { closeCodes } from "../../wire/close-codes.ts";
import { problemCatalogue } from "../../wire/problems.ts";
import { createBound, createHistogram, prefix } from "./histograms.ts";
import type { Metrics } from "./metrics.ts";
import { createCount, createTally } from "./tally.ts";

const fanOutBuckets = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000];

export function createSocketMetrics(
  registry: Registry,
): Pick<Metrics, "socketOpened" | "socketClosed" | "roomJoined"> {
  const socketOpened = createCount(registry, {
    name: `${prefix}sockets_opened_total`,
    help: "Sockets that were opened",
  });
  const closed = createTally(
    registry,
    {
      name: `${prefix}sockets_closed_total`,
      help: "Sockets that were closed, by reason; lost: without a close frame; dead: the peer was silent",
      label: "reason",
    },
    [...Object.keys(closeCodes), "dead", "lost", "other"],
  );
  const roomJoined = createCount(registry, {
    name: `${prefix}room_joins_total`,
    help: "Joins of rooms that succeeded",
  });
  return {
    socketOpened: () => socketOpened(),
    socketClosed: (end) => closed.add(end),
    roomJoined: () => roomJoined(),
  };
}

type FrameMetrics = Pick<
  Metrics,
  "frameHandled" | "frameRefused" | "framePublished" | "frameSent" | "frameDropped" | "gapRead"
>;

export function createFrameMetrics(registry: Registry): FrameMetrics {
  const kinds = ClientFrame.options.map((frame) => frame.shape.type.value);
  const handled = createBound(
    createHistogram(registry, {
      name: "frame_duration_seconds",
      help: "Handling of frames of clients, without their wait in the inbox",
      labels: ["type"],
    }),
    [...kinds, "invalid"],
  );
  const refused = createTally(
    registry,
    {
      name: `${prefix}frames_refused_total`,
      help: "Frames of clients that were answered with an error",
      label: "code",
    },
    Object.keys(problemCatalogue),
  );
  const fanOut = createBound(
    createHistogram(registry, {
      name: "frame_fan_out_sockets",
      help: "Sockets that a published frame goes to at once; a large room takes several times",
      labels: ["topic"],
      buckets: fanOutBuckets,
    }),
    ["chat", "activity", "user"],
  );
  const sent = createCount(registry, {
    name: `${prefix}frames_sent_total`,
    help: "Frames sent to sockets, counted once for each socket",
  });
  const dropped = createTally(
    registry,
    {
      name: `${prefix}frames_dropped_total`,
      help: "Dropped frames; slow_reader: the buffer of a socket was full; gap: too many chunks waited behind a missing number",
      label: "cause",
    },
    ["slow_reader", "gap"],
  );
  const gapRead = createCount(registry, {
    name: `${prefix}room_gaps_read_total`,
    help: "Reads of a room's log for numbers that did not come in time",
  });
  return {
    frameHandled: (kind, ms) => handled(kind).observe(ms / 1000),
    frameRefused: (code) => refused.add(code),
    framePublished(audience, topic, countSubscribers) {
      const count = countSubscribers(topic);
      sent(count);
      fanOut(audience).observe(count);
    },
    frameSent: () => sent(),
    frameDropped: (cause) => dropped.add(cause),
    gapRead: () => gapRead(),
  };
}
