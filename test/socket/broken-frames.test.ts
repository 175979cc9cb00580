// Frames that are none of RFC 6455, which no WebSocket client would send: the socket is closed, and nothing of them is done.
import { beforeAll, expect, test } from "bun:test";
import { closeCodes } from "../../src/wire/close-codes.ts";
import { CapturedLog } from "../world/captured.ts";
import { useWorld, type Person } from "../world/world.ts";
import { clientFrame, RawSocket } from "./raw.ts";

const log = new CapturedLog();
let sockets = 0;
let person: Person;
let chatId: number;
const world = useWorld({ logTo: log, env: { LOG_SOCKETS_SAMPLE: "0" } });
beforeAll(async () => {
  person = await world.person();
  chatId = (await person.chat()).id;
});

const [continuation, text, binary, close, ping] = [0x0, 0x1, 0x2, 0x8, 0x9];
function open() {
  sockets += 1;
  return RawSocket.open(world.socketUrl(`?token=${person.token}&frames=flat`));
}
const message = () =>
  Buffer.from(JSON.stringify({ type: "message", chat_id: chatId, content: "never" }));
const kib = 1024;

const broken: Record<string, [code: number, frames: () => Buffer[]]> = {
  "is not masked": [1002, () => [clientFrame(message(), { isMasked: false })]],
  "has the first reserved bit": [1002, () => [clientFrame(message(), { reserved: 0x40 })]],
  "has the second reserved bit": [1002, () => [clientFrame(message(), { reserved: 0x20 })]],
  "has the third reserved bit": [1002, () => [clientFrame(message(), { reserved: 0x10 })]],
  "has a reserved opcode": [1002, () => [clientFrame(message(), { opcode: 0x3 })]],
  "has a reserved opcode of control": [1002, () => [clientFrame(message(), { opcode: 0xb })]],
  "goes on with nothing": [1002, () => [clientFrame(message(), { opcode: continuation })]],
  "begins within another": [
    1002,
    () => [clientFrame(message().subarray(0, 9), { isLast: false }), clientFrame(message())],
  ],
  "is a ping in fragments": [
    1002,
    () => [clientFrame(Buffer.from("x"), { opcode: ping, isLast: false })],
  ],
  "is a ping of 126 bytes": [1002, () => [clientFrame(Buffer.alloc(126), { opcode: ping })]],
  "closes with half a code": [1002, () => [clientFrame(Buffer.from([3]), { opcode: close })]],
  "closes with a code that nobody may send": [
    1002,
    () => [clientFrame(Buffer.from([0x03, 0xed]), { opcode: close })],
  ],
  "is no UTF-8": [1007, () => [clientFrame(Buffer.from([0x22, 0xff, 0x22]))]],
  "has a surrogate in UTF-8": [
    1007,
    () => [clientFrame(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))],
  ],
  "ends within a character": [1007, () => [clientFrame(Buffer.from([0x22, 0xc3]))]],
  "claims 4 GiB": [1009, () => [clientFrame(message(), { length: 2 ** 32 - 1 })]],
  "is too large in two fragments": [
    1009,
    () => [
      clientFrame(Buffer.alloc(40 * kib, " "), { isLast: false }),
      clientFrame(Buffer.alloc(40 * kib, " "), { opcode: continuation }),
    ],
  ],
  "has fragments without an end": [
    1009,
    () =>
      Array.from({ length: 65 }, (_, n) =>
        clientFrame(Buffer.alloc(kib, " "), {
          opcode: n === 0 ? text : continuation,
          isLast: false,
        }),
      ),
  ],
};

test.each(Object.entries(broken))(
  "a frame that %s closes the socket, and the log has the reason",
  async (_, [code, frames]) => {
    const socket = await open();
    // The server reads no frame that follows it.
    socket.write(Buffer.concat([...frames(), clientFrame(message())]));
    expect(await socket.closed).toMatchObject({ code });
    expect(socket.frames.filter(({ type }) => type !== "chat_activity")).toEqual([]);
    const { body } = await person.api("GET", `/api/chats/${chatId}/messages`);
    expect(body).toEqual([]);
    const { reason } = await log.find({ msg: "socket closed", socket: sockets });
    const reasons = Object.entries(closeCodes).filter(([, close]) => close.code === code);
    expect(reasons.map(([name]) => name)).toContain(String(reason));
  },
);

test("a frame in fragments is one frame, also when they part a character and a ping comes between", async () => {
  const socket = await open();
  const whole = Buffer.from('{"type":"ping","request_id":"é"}');
  const at = whole.indexOf(0xc3) + 1;
  socket.write(
    Buffer.concat([
      clientFrame(whole.subarray(0, at), { isLast: false }),
      clientFrame(Buffer.from("x"), { opcode: ping }),
      clientFrame(whole.subarray(at), { opcode: continuation }),
    ]),
  );
  await socket.until("pong", { request_id: "é" });
  await socket.destroy();
});

test("bytes and an empty text are refused, and the socket lives", async () => {
  const socket = await open();
  socket.write(
    Buffer.concat([clientFrame(message(), { opcode: binary }), clientFrame(Buffer.alloc(0))]),
  );
  socket.send({ type: "ping", request_id: 1 });
  await socket.until("pong", { request_id: 1 });
  expect(socket.frames.map(({ type, code }) => [type, code])).toEqual([
    ["error", "not_json"],
    ["error", "not_json"],
    ["pong", undefined],
  ]);
  await socket.destroy();
});
