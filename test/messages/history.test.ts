import { beforeAll, describe, expect, test } from "bun:test";
import type { Message } from "../../src/wire/messages.ts";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid } from "../http/refusals.ts";

const world = useWorld();
let ann: Person;
let chatId: number;
/** Every seq of a message in the chat; the numbers between them are of its changes. */
let seqs: number[];
const count = 230;
beforeAll(async () => {
  ann = await world.person("ann");
  chatId = (await ann.chat()).id;
  seqs = [];
  for (let i = 0; i < count; i += 10) {
    const sent = await Promise.all(
      Array.from({ length: 10 }, (_, n) => ann.say(chatId, `message ${i + n}`)),
    );
    seqs.push(...sent.map((message) => message.seq).toSorted((a, b) => a - b));
    await ann.api("PATCH", `/api/chats/${chatId}`, { name: `After ${i}` });
  }
});

interface Page {
  status: number;
  seqs: number[];
  links: Record<string, string>;
}

async function page(path: string): Promise<Page> {
  const { status, body, headers } = await ann.api("GET", path);
  return {
    status,
    seqs: body.map((message: Message) => message.seq),
    links: readLinks(headers.get("link")),
  };
}

/** A Link header (RFC 8288), relation → address. */
function readLinks(header: string | null): Record<string, string> {
  if (header === null) return {};
  return Object.fromEntries(
    header.split(", ").map((link) => {
      const [, address, relation] = /^<([^<>]+)>; rel="(prev|next)"$/.exec(link) ?? [];
      if (!address || !relation) throw new Error(`no link: ${link}`);
      const url = new URL(address, world.url);
      return [relation, url.pathname + url.search];
    }),
  );
}

const history = (query = "") => page(`/api/chats/${chatId}/messages${query}`);
const refused = (query: string) => ann.api("GET", `/api/chats/${chatId}/messages${query}`);

describe("a page of history", () => {
  test("has the newest 50 messages, oldest first, unless something else is said", async () => {
    const newest = await history();
    expect(newest.status).toBe(200);
    expect(newest.seqs).toEqual(seqs.slice(-50));
    expect(Object.keys(newest.links)).toEqual(["prev"]);
  });

  test("has as many as the limit says, from 1 to 200", async () => {
    expect((await history("?limit=1")).seqs).toEqual(seqs.slice(-1));
    expect((await history("?limit=200")).seqs).toEqual(seqs.slice(-200));
  });

  test("before a number has the nearest below it, and not that one", async () => {
    const [edge = 0] = seqs.slice(100);
    const { seqs: found } = await history(`?limit=7&before_seq=${edge}`);
    expect(found).toEqual(seqs.slice(93, 100));
  });

  test("after a number has the nearest above it, and not that one", async () => {
    const [edge = 0] = seqs.slice(100);
    const { seqs: found } = await history(`?limit=7&after_seq=${edge}`);
    expect(found).toEqual(seqs.slice(101, 108));
  });

  test("takes a number that no message has", async () => {
    const change = (seqs[9] ?? 0) + 1;
    expect(seqs).not.toContain(change);
    expect((await history(`?limit=2&before_seq=${change}`)).seqs).toEqual(seqs.slice(8, 10));
    expect((await history(`?limit=2&after_seq=${change}`)).seqs).toEqual(seqs.slice(10, 12));
  });

  test("beyond either end is empty and leads nowhere", async () => {
    const last = Number.MAX_SAFE_INTEGER;
    for (const query of ["?before_seq=0", "?before_seq=1", `?after_seq=${last}`]) {
      expect(await history(query)).toEqual({ status: 200, seqs: [], links: {} });
    }
  });

  test("from before all numbers, or up to beyond them, has an end of the history", async () => {
    expect((await history("?after_seq=0&limit=3")).seqs).toEqual(seqs.slice(0, 3));
    const last = Number.MAX_SAFE_INTEGER;
    expect((await history(`?before_seq=${last}&limit=3`)).seqs).toEqual(seqs.slice(-3));
  });

  test("of an empty chat is empty", async () => {
    const { id } = await ann.chat();
    const empty = await page(`/api/chats/${id}/messages`);
    expect(empty).toEqual({ status: 200, seqs: [], links: {} });
  });

  test("ignores what it doesn't know", async () => {
    const { seqs: found } = await history("?limit=2&offset=5&page=3&_=1700000000");
    expect(found).toEqual(seqs.slice(-2));
  });
});

describe("following the links", () => {
  test("to older pages from the newest gives every message once", async () => {
    let at = await history("?limit=40");
    const pages = [at.seqs];
    while (at.links.prev) {
      at = await page(at.links.prev);
      pages.unshift(at.seqs);
    }
    expect(pages.flat()).toEqual(seqs);
    expect(pages).toHaveLength(Math.ceil(count / 40));
    // The other way is open at the end that was reached.
    expect(Object.keys(at.links)).toEqual(["next"]);
  });

  test("to newer pages from the oldest gives every message once", async () => {
    let at = await history("?limit=46&after_seq=0");
    expect(at.links.prev).toBeUndefined();
    const pages = [at.seqs];
    while (at.links.next) {
      at = await page(at.links.next);
      pages.push(at.seqs);
    }
    expect(pages.flat()).toEqual(seqs);
    // A last page that is just full is the last all the same.
    expect(pages).toHaveLength(count / 46);
    expect(Object.keys(at.links)).toEqual(["prev"]);
  });

  test("there and back comes to the same page", async () => {
    const [edge = 0] = seqs.slice(120);
    const middle = await history(`?limit=20&before_seq=${edge}`);
    expect(middle.seqs).toEqual(seqs.slice(100, 120));
    const older = await page(middle.links.prev ?? "");
    expect(older.seqs).toEqual(seqs.slice(80, 100));
    expect((await page(older.links.next ?? "")).seqs).toEqual(middle.seqs);
    const newer = await page(middle.links.next ?? "");
    expect(newer.seqs).toEqual(seqs.slice(120, 140));
    expect((await page(newer.links.prev ?? "")).seqs).toEqual(middle.seqs);
  });

  test("is not offered where all messages are on the page", async () => {
    const chat = await ann.chat();
    for (const text of ["1", "2", "3"]) await ann.say(chat.id, text);
    for (const query of ["", "?limit=3", "?limit=3&after_seq=0", "?limit=200"]) {
      const { seqs: found, links } = await page(`/api/chats/${chat.id}/messages${query}`);
      expect(found).toEqual([1, 2, 3]);
      expect(links).toEqual({});
    }
  });
});

describe("history refuses", () => {
  test.each(["0", "201", "-1", "1.5", "abc", "", "1e2", "0x10", "%20", "9".repeat(30)])(
    "a limit of %p",
    async (limit) => {
      expectInvalid(await refused(`?limit=${limit}`), "/limit");
    },
  );

  test("two limits", async () => {
    expectInvalid(await refused("?limit=1&limit=2"), "/limit");
  });

  test.each(["before_seq", "after_seq"])("a %s that is no number of a room", async (cursor) => {
    for (const value of ["-1", "1.5", "abc", "", "9007199254740993", "%00"]) {
      expectInvalid(await refused(`?${cursor}=${value}`), `/${cursor}`);
    }
  });

  test("both cursors at once", async () => {
    expectInvalid(await refused("?before_seq=10&after_seq=5"), "/after_seq");
  });

  test("two faults at once, naming both", async () => {
    expectInvalid(await refused("?limit=0&before_seq=x"), "/limit", "/before_seq");
  });
});

describe("the history around a number", () => {
  test("has messages on both sides, and links to both neighbours", async () => {
    const at = seqs[100] ?? 0;
    const around = await history(`?around_seq=${at}&limit=10`);
    expect(around.seqs).toEqual(seqs.slice(95, 105));
    expect((await page(around.links.prev ?? "")).seqs).toEqual(seqs.slice(85, 95));
    expect((await page(around.links.next ?? "")).seqs).toEqual(seqs.slice(105, 115));
    expect((await history(`?around_seq=${at}&limit=1`)).seqs).toEqual([at]);
    expect((await history(`?around_seq=${at}`)).seqs).toEqual(seqs.slice(75, 125));
  });

  test("may be that of any change, and ends where the history does", async () => {
    const change = (seqs[9] ?? 0) + 1;
    expect(seqs).not.toContain(change);
    expect((await history(`?around_seq=${change}&limit=4`)).seqs).toEqual(seqs.slice(8, 12));
    const first = await history("?around_seq=0&limit=4");
    expect([first.seqs, Object.keys(first.links)]).toEqual([seqs.slice(0, 2), ["next"]]);
    const last = await history("?around_seq=99999&limit=4");
    expect([last.seqs, Object.keys(last.links)]).toEqual([seqs.slice(-2), ["prev"]]);
  });

  test("is not combined with another cursor", async () => {
    expectInvalid(await refused("?around_seq=5&before_seq=9"), "/around_seq");
    expectInvalid(await refused("?around_seq=5&after_seq=1"), "/around_seq");
    expectInvalid(await refused("?around_seq=-1"), "/around_seq");
    expectInvalid(await refused("?around_seq=x"), "/around_seq");
  });
});
