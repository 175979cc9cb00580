// The rows of the table: how each is measured, and what it should reach.
import { hasNats } from "../world/nats.ts";
import type { Scale } from "./scale.ts";
import type { Row } from "./row.ts";
import { answerRows } from "./answer-rows.ts";
import {
  connectionRows,
  deliveryRows,
  messageRows,
  presenceRows,
  readRows,
} from "./message-rows.ts";
import { exportRows, fileRows, peopleRows, readingRows, searchRows } from "./reading-rows.ts";
import { serverRows } from "./server-rows.ts";

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
