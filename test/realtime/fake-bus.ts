// A bus that is up, and keeps what is sent over it.
import { BusLink } from "../../src/bus/bus-link.ts";
import type { Bus } from "../../src/bus/bus.ts";
import { decode, type Header } from "../../src/bus/envelope.ts";

export function startLink() {
  const sent: Header[] = [];
  const bus: Bus = {
    ...{ state: "up", payloadBytesMax: 1_000_000, subscriptionCount: 0 },
    start() {},
    publish(_, payload) {
      const found = decode(payload);
      if (found) sent.push(found.header);
    },
    subscribe() {},
    unsubscribe() {},
    flush: () => Promise.resolve(true),
    stop: () => Promise.resolve(),
  };
  return { link: new BusLink(bus, { prefix: "p", metrics: { busRefused() {} } }), sent };
}
