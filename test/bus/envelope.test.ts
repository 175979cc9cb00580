// Messages of the bus are input from outside.
import { expect, test } from "bun:test";
import type { Bus } from "../../src/bus/bus.ts";
import { BusLink } from "../../src/bus/bus-link.ts";
import { decode, encode, sign, type Unsigned } from "../../src/bus/envelope.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const other = "another-server";

function startLink(payloadBytesMax = 1_000) {
  const sent: { subject: string; payload: Uint8Array }[] = [];
  const bus: Bus = {
    ...{ state: "up", payloadBytesMax, subscriptionCount: 0 },
    start() {},
    publish: (subject, payload) => void sent.push({ subject, payload }),
    subscribe() {},
    unsubscribe() {},
    flush: () => Promise.resolve(true),
    stop: () => Promise.resolve(),
  };
  let refused = 0;
  const metrics = { busRefused: () => void (refused += 1) };
  const link = new BusLink(bus, { prefix: "p", metrics });
  return { link, sent, refusedCount: () => refused };
}

const read = (subject: string, unsigned: Unsigned, n = 1, text?: string) => {
  const { link, refusedCount } = startLink();
  const received = link.read(subject, encode(sign(unsigned, other, n), text));
  return { received, refused: refusedCount() };
};

test("a header and a text come as they were sent, whatever characters the text has", () => {
  const { link, sent } = startLink();
  const text = '{"type":"typing","chat_id":1,"username":"Zoë\\n👩‍🚀"}';
  expect(link.send("p.chat.1", { kind: "passing", chat: 1 }, text)).toBe(true);
  const [message] = sent;
  expect(message && decode(message.payload)).toMatchObject({
    header: { kind: "passing", chat: 1, from: link.name, n: 1 },
    text,
  });
});

test("what is too large for the bus is not sent", () => {
  const { link, sent } = startLink(200);
  const passing = { kind: "passing", chat: 1 } as const;
  expect(link.send("p.chat.1", passing, "x".repeat(200))).toBe(false);
  expect(link.send("p.chat.1", passing, "ß".repeat(90))).toBe(false);
  expect(link.send("p.chat.1", passing)).toBe(true);
  expect(sent).toHaveLength(1);
});

test.each<[what: string, payload: Uint8Array]>([
  ["nothing", bytes("")],
  ["no JSON", bytes("hello\nworld")],
  ["another JSON", bytes("[1,2]\n{}")],
  ["an unknown kind", bytes(`{"kind":"shutdown","v":1,"from":"${other}","n":1}`)],
  ["another version", bytes(`{"kind":"alive","v":2,"from":"${other}","n":1}`)],
  ["no sender", bytes('{"kind":"alive","v":1,"n":1}')],
  ["a sender that is a subject", bytes('{"kind":"alive","v":1,"from":"a.b.>.long","n":1}')],
  ["no number", bytes(`{"kind":"alive","v":1,"from":"${other}"}`)],
  ["a number that is none", bytes(`{"kind":"alive","v":1,"from":"${other}","n":1.5}`)],
  ["a chat that is none", bytes(`{"kind":"hello","v":1,"from":"${other}","n":1,"chat":-4}`)],
  ["bytes that are no UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0x0a, 0x7b])],
  [
    "a text that is no UTF-8",
    Buffer.concat([
      bytes(`{"kind":"passing","v":1,"from":"${other}","n":1,"chat":1}\n`),
      Buffer.from([0xff]),
    ]),
  ],
  ["a header without an end", bytes("{".padEnd(100_000, " "))],
  ["__proto__", bytes(`{"__proto__":{"kind":"alive"},"v":1,"from":"${other}","n":1}`)],
])("%s is refused", (_, payload) => {
  const { link, refusedCount } = startLink();
  expect(link.read("p.all", payload)).toBeUndefined();
  expect(refusedCount()).toBe(1);
});

test.each<[subject: string, unsigned: Unsigned]>([
  ["p.chat.2", { kind: "passing", chat: 1 }],
  ["p.list.1", { kind: "passing", chat: 1 }],
  ["q.chat.1", { kind: "passing", chat: 1 }],
  ["p.user.1", { kind: "alive" }],
  ["p.chat.1", { kind: "user", user: 1, type: "mention", chatId: 1 }],
  ["p.user.2", { kind: "user", user: 1, type: "mention", chatId: 1 }],
  ["p.chat.1", { kind: "stop", chat: 1, id: 5 }],
  ["p.chat.1", { kind: "roster", chat: 1, roster: 0, isFirst: true }],
  ["p.server.x", { kind: "rosterWanted", chat: 1 }],
])("a message on a subject that it is not for is refused: %s", (subject, unsigned) => {
  expect(read(subject, unsigned)).toEqual({ received: undefined, refused: 1 });
});

test("a message that comes again is known, and so is one that a later one has overtaken", () => {
  const { link } = startLink();
  const alive = (n: number) => encode(sign({ kind: "alive" }, other, n), undefined);
  const isRepeated = (n: number) => link.read("p.all", alive(n))?.isRepeated;
  expect([1, 3, 3, 2, 4].map(isRepeated)).toEqual([false, false, true, true, false]);
});

test("what a server has sent itself is nothing", () => {
  const { link, refusedCount } = startLink();
  const own = encode(sign({ kind: "alive" }, link.name, 1), undefined);
  expect([link.read("p.all", own), refusedCount()]).toEqual([undefined, 0]);
});
