// Reads over HTTP: pages of a long history, and lists of chats. Each page is read to its end and counted.
import { check, type Bench, type Side } from "./bench.ts";
import { inParallel } from "./client.ts";
import { listedChats, lister, longChat, tokenOf } from "./data.ts";

const width = 8;

/** Requests a second, eight at a time. Each has to be answered with so many rows. */
async function requestsPerSecond(
  bench: Bench,
  person: number,
  count: number,
  rows: number,
  urlOf: (index: number) => string,
): Promise<number> {
  const authorization = `Bearer ${await tokenOf(person, bench.secretKey)}`;
  const started = performance.now();
  await inParallel(count, width, async (index) => {
    const response = await fetch(urlOf(index), { headers: { authorization } });
    const body = await response.json();
    check("rows of a page", Array.isArray(body) ? body.length : -1, rows);
  });
  return count / ((performance.now() - started) / 1000);
}

/** The pages that each side offers; `messages` has neither membership nor the authors' names, and is no page of the product. */
export type Page = Side | "messages";

/** Requests a second for pages of 50 anywhere in a long chat. */
export function history(bench: Bench, page: Page): Promise<number> {
  const { longChatLength, pages } = bench.scale;
  const [reader, rows] = [1, 50];
  return requestsPerSecond(bench, reader, pages, rows, (index) => {
    const before = 1_000 + ((index * 7_919) % (longChatLength - 1_000));
    const { product, reference } = bench;
    switch (page) {
      case "product":
        return `${product.url}/api/chats/${longChat}/messages?limit=${rows}&before_seq=${before}`;
      case "reference":
        return `${reference.url}/history?user=${reader}&chat=${longChat}&before=${before}`;
      case "messages":
        return `${reference.url}/messages?chat=${longChat}&before=${before}`;
    }
  });
}

/** Requests a second for the list of somebody's 100 chats. */
export function chatList(bench: Bench, side: Side): Promise<number> {
  const url =
    side === "product"
      ? `${bench.product.url}/api/chats`
      : `${bench.reference.url}/chats?user=${lister}`;
  return requestsPerSecond(bench, lister, bench.scale.lists, listedChats, () => url);
}
