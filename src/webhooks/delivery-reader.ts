// Reads the deliveries of a run with what they tell, many in one statement.
import type { Ctx } from "../context.ts";
import { findDueDeliveries, type DueDelivery } from "./due-delivery-queries.ts";
import { readEvents, type EventBody } from "./event-data.ts";

/** Deliveries that one statement reads. */
const readMax = 50;
/**
 * Milliseconds for which a delivery may be sent after it was read. Afterwards it is read again, because somebody may have deleted the
 * message, left the chat or turned the webhook off.
 */
const freshMs = 500;

export interface ReadDelivery {
  readonly delivery: DueDelivery;
  /** Undefined: there is nothing to tell, or the webhook may not be told of it any more. */
  readonly body: EventBody | undefined;
}

/**
 * Makes a function that reads the delivery at a place among some, for the places in their order. It reads the first one alone, since those
 * behind it wait as long as that one is not taken. It finds none whose webhook was deleted.
 */
export function createReader(
  { sql, now }: Pick<Ctx, "sql" | "now">,
  ids: readonly number[],
): (place: number) => Promise<ReadDelivery | undefined> {
  let deliveries = new Map<number, DueDelivery>();
  let bodies = new Map<number, EventBody>();
  let upTo = 0;
  let readAt = -Infinity;
  return async (place) => {
    if (place >= upTo || performance.now() - readAt > freshMs) {
      readAt = performance.now();
      upTo = place === 0 ? 1 : place + readMax;
      deliveries = await findDueDeliveries(sql, ids.slice(place, upTo));
      const allowed = [...deliveries.values()].filter(({ is_allowed }) => is_allowed);
      bodies = await readEvents(sql, allowed, now().getTime());
    }
    const id = ids[place] ?? 0;
    const delivery = deliveries.get(id);
    return delivery && { delivery, body: bodies.get(id) };
  };
}
