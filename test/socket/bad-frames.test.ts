// Frames that are none, and what every frame may carry: a request_id, which gets exactly one reply.
import { beforeAll, describe, expect, test } from "bun:test";
import type { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let person: Person;
let chatId: number;
beforeAll(async () => {
  person = await world.person();
  chatId = (await person.chat()).id;
});

const kibibyte = 1024;
const frameBytesMax = 64 * kibibyte;

/** Fails unless the socket gets nothing but this error, and lives. */
async function expectRefused(socket: TestSocket, code: string) {
  await socket.settle();
  expect(socket.frames.filter(({ type }) => type !== "pong")).toEqual([
    { type: "error", code, detail: expect.stringMatching(/\S/) },
  ]);
}

describe("a frame that is none gets an error, and the socket lives:", () => {
  const noJson = ["", " ", "hello", "{", '{"type":"ping"', "{'type':'ping'}", "undefined", "NaN"];
  for (const text of noJson) {
    test(`the text ${JSON.stringify(text)}`, async () => {
      const socket = await person.socket();
      socket.ws.send(text);
      await expectRefused(socket, "not_json");
    });
  }

  const noFrame = {
    null: "null",
    "a number": "7",
    "a string": '"ping"',
    "an array": '[{"type":"ping"}]',
    "an empty object": "{}",
    "an unknown type": '{"type":"shout"}',
    "a server's type": '{"type":"joined"}',
    "a type in other letters": '{"type":"PING"}',
    "a type that is no string": '{"type":["ping"]}',
    "the name of a member of every object": '{"type":"constructor"}',
    "an array 10,000 deep": "[".repeat(10_000) + "]".repeat(10_000),
    "an object 10,000 deep": '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000),
    "a type 10,000 deep": `{"type":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
  };
  for (const [name, text] of Object.entries(noFrame)) {
    test(name, async () => {
      const socket = await person.socket();
      socket.ws.send(text);
      await expectRefused(socket, "invalid");
    });
  }

  test("bytes instead of a text, even if they are a frame's", async () => {
    const socket = await person.socket();
    socket.ws.send(new TextEncoder().encode('{"type":"ping","request_id":"b"}'));
    await expectRefused(socket, "not_json");
  });
});

test("unknown members are ignored, also 10,000 deep", async () => {
  const socket = await person.socket();
  socket.ws.send(
    `{"type":"ping","more":${"[".repeat(10_000)}${"]".repeat(10_000)},"request_id":1}`,
  );
  expect(await socket.next("pong", { request_id: 1 })).toEqual({ type: "pong", request_id: 1 });
});

test("a frame of 64 KiB is taken, a larger one closes the socket with 1009", async () => {
  const fill = (length: number) => {
    const head = '{"type":"ping","request_id":7,"fill":"';
    return `${head}${"x".repeat(length - head.length - 2)}"}`;
  };
  const socket = await person.socket();
  socket.ws.send(fill(frameBytesMax));
  await socket.next("pong", { request_id: 7 });
  socket.ws.send(fill(frameBytesMax + 1));
  expect((await socket.closed).code).toBe(1009);
  for (const length of [100 * kibibyte, kibibyte * kibibyte]) {
    const another = await person.socket();
    another.ws.send("x".repeat(length));
    expect((await another.closed).code).toBe(1009);
  }
});

describe("request_id", () => {
  test("may be a text of up to 64 characters or a whole number", async () => {
    const socket = await person.socket();
    for (const request_id of ["1", "x".repeat(64), "ü🙂", 0, -7, 2 ** 53 - 1]) {
      socket.send({ type: "ping", request_id });
      expect(await socket.next("pong", { request_id })).toEqual({ type: "pong", request_id });
    }
  });

  test("of any other kind makes the frame invalid, and its error carries none", async () => {
    for (const request_id of ["", "x".repeat(65), 1.5, true, [], {}, 2 ** 53, "\u0000"]) {
      const socket = await person.socket();
      socket.send({ type: "ping", request_id });
      await expectRefused(socket, "invalid");
    }
  });

  test("null is none", async () => {
    const socket = await person.socket();
    socket.send({ type: "ping", request_id: null });
    await socket.settle();
    expect(socket.ofType("pong")[1]).toEqual({ type: "pong" });
  });

  test("is answered under its own id also when everything else is wrong", async () => {
    const socket = await person.socket();
    const wrong = [
      {},
      { type: "shout" },
      { type: 7 },
      { type: "join" },
      { type: "message", chat_id: "one", content: {} },
      { type: "stop", chat_id: chatId },
    ];
    wrong.forEach((frame, request_id) => socket.send({ ...frame, request_id }));
    await socket.settle();
    expect(socket.ofType("error").map(({ request_id, code }) => [request_id, code])).toEqual(
      wrong.map((_, index) => [index, "invalid"]),
    );
    expect(socket.ofType("error").map((error) => error.chat_id)).toEqual([
      ...Array.from({ length: 5 }, () => undefined),
      chatId,
    ]);
  });

  test("of every frame in a quick row gets exactly one reply, in the order of the frames", async () => {
    const socket = await person.socket();
    const stranger = (await world.person()).chat();
    const elsewhere = (await stranger).id;
    const frames = Array.from({ length: 12 }, () => [
      { type: "join", chat_id: chatId },
      { type: "message", chat_id: chatId, content: "hi" },
      { type: "message", chat_id: elsewhere, content: "hi" },
      { type: "typing", chat_id: chatId },
      { type: "leave", chat_id: chatId },
      { type: "ping" },
      { type: "nonsense" },
      { type: "join", chat_id: elsewhere },
    ]).flat();
    frames.forEach((frame, request_id) => socket.send({ ...frame, request_id }));
    await socket.settle();
    const replies = socket.frames.filter(({ request_id }) => typeof request_id === "number");
    expect(replies.map(({ request_id, type }) => [request_id, type])).toEqual(
      frames.map((_, index) => [
        index,
        ["joined", "ack", "error", "ack", "ack", "pong", "error", "error"][index % 8] ?? "",
      ]),
    );
  });

  test("that is missing: only errors are answered", async () => {
    const socket = await person.socket();
    const elsewhere = (await (await world.person()).chat()).id;
    socket.send({ type: "message", chat_id: chatId, content: "hi" });
    socket.send({ type: "typing", chat_id: chatId });
    socket.send({ type: "leave", chat_id: chatId });
    socket.send({ type: "message", chat_id: elsewhere, content: "hi" });
    await socket.settle();
    const replies = socket.frames.filter(({ type }) => !["pong", "chat_activity"].includes(type));
    expect(replies).toEqual([
      { type: "error", chat_id: elsewhere, code: "not_found", detail: expect.any(String) },
    ]);
  });
});
