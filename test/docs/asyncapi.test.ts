import { beforeAll, describe, expect, test } from "bun:test";
import { version } from "../../package.json";
import type { AsyncApi } from "../../src/wire/docs/asyncapi.ts";
import { clientKey, serverKey, type FrameMessage } from "../../src/wire/docs/frame-messages.ts";
import { ClientFrame } from "../../src/wire/client-frames.ts";
import { closeCodes } from "../../src/wire/close-codes.ts";
import { serverFrames } from "../../src/wire/server-frames.ts";
import { problemCatalogue } from "../../src/wire/problems.ts";
import { checkerOf } from "../world/json-schema.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();
let document: AsyncApi;
beforeAll(async () => {
  document = (await world.call("GET", "/asyncapi.json")).body;
});

const clientTypes = ClientFrame.options.map(({ shape }) => shape.type.value);
const serverNames = Object.keys(serverFrames);
const keys = () => Object.keys(document.components.messages);
const message = (key: string): FrameMessage => {
  const found = document.components.messages[key];
  if (!found) throw new Error(`${key} is not in the document`);
  return found;
};

/** What a reference leads to. @throws where it leads nowhere */
function resolve($ref: string): unknown {
  let value: unknown = document;
  for (const name of $ref.slice(2).split("/")) value = Object(value)[name];
  if (value === undefined) throw new Error(`${$ref} leads nowhere`);
  return value;
}

/** Each `$ref` in a part of the document. */
function referencesIn(part: unknown): string[] {
  const references: string[] = [];
  JSON.stringify(part, (name, value) => {
    if (name === "$ref") references.push(value);
    return value;
  });
  return references;
}

test("the document is AsyncAPI 3.0 of this version, on the host that was asked", async () => {
  const { status, headers } = await world.call("GET", "/asyncapi.json");
  expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(document).toMatchObject({ asyncapi: "3.0.0", info: { version } });
  for (const { host } of Object.values(document.servers)) {
    expect(host).toBe(new URL(world.url).host);
  }
});

test("every reference leads somewhere, and everything named is used", () => {
  const references = referencesIn(document);
  expect(references.length).toBeGreaterThan(100);
  for (const $ref of references) expect(resolve($ref)).toBeObject();
  const used = new Set(references);
  for (const [kind, members] of Object.entries(document.components)) {
    for (const name of Object.keys(members)) {
      expect(used).toContain(`#/components/${kind}/${name}`);
    }
  }
});

test("all frames of both directions are there, and no other", () => {
  expect(keys().toSorted()).toEqual(
    [...clientTypes.map(clientKey), ...serverNames.map(serverKey)].toSorted(),
  );
  expect(Object.keys(document.channels.socket.messages)).toEqual(keys());
});

test("each client frame is received, and answered under its request_id", () => {
  const received = Object.entries(document.operations).filter(
    ([, { action }]) => action === "receive",
  );
  expect(received.map(([name]) => name)).toEqual(clientTypes);
  for (const [name, operation] of received) {
    const [key = ""] = referencesIn(operation.messages).map(($ref) => $ref.split("/").at(-1));
    expect(key).toBe(clientKey(name));
    if (!("reply" in operation)) throw new Error(`${name} has no reply`);
    for (const { $ref } of [...operation.messages, ...operation.reply.messages]) {
      const { correlationId } = message($ref.split("/").at(-1) ?? "");
      expect(correlationId).toEqual({ $ref: "#/components/correlationIds/request" });
    }
  }
});

test("each server frame is sent by one operation", () => {
  const sent = Object.values(document.operations).filter(({ action }) => action === "send");
  expect(sent).toHaveLength(4);
  const names = sent.flatMap(({ messages }) => messages.map(({ $ref }) => $ref.split("/").at(-1)));
  expect(names.toSorted()).toEqual(serverNames.map(serverKey).toSorted());
});

test("every message has an example that its schema takes to the last member, and its own type", () => {
  const check = checkerOf(document.components.schemas, { closed: true });
  for (const key of keys()) {
    const { name, payload, examples, summary } = message(key);
    expect(summary).not.toBeEmpty();
    for (const example of examples) {
      expect([key, check(payload)(example.payload)]).toEqual([key, undefined]);
      expect(example.payload).toHaveProperty("type", name);
    }
  }
});

test("an example of a client is one that the server takes", () => {
  for (const type of clientTypes) {
    for (const { payload } of message(clientKey(type)).examples) {
      expect(ClientFrame.safeParse(payload).error).toBeUndefined();
    }
  }
});

test("every schema can be used, and every example in it is a good one", () => {
  const check = checkerOf(document.components.schemas);
  let examples = 0;
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    check({ $ref: `#/components/schemas/${name}` });
    JSON.stringify(schema, (_, part) => {
      for (const example of Array.isArray(part?.examples) ? part.examples : []) {
        examples += 1;
        expect([name, check(part)(example)]).toEqual([name, undefined]);
      }
      return part;
    });
  }
  expect(examples).toBeGreaterThan(30);
});

describe("a client may rely on", () => {
  test("the limits of what it sends", () => {
    expect(document.components.schemas.ClientMessage).toMatchObject({
      required: ["type", "chat_id", "content"],
      properties: { content: { minLength: 0, maxLength: 16_000 } },
    });
  });

  test("members that may follow: no schema forbids them", () => {
    expect(JSON.stringify(document)).not.toContain('"additionalProperties":false');
  });

  test("three ways to sign in, on each server", () => {
    expect(Object.keys(document.components.securitySchemes)).toEqual([
      "token",
      "ticket",
      "auth_frame",
    ]);
    for (const { security } of Object.values(document.servers)) expect(security).toHaveLength(3);
  });

  test("every close code and error code, with what to do then", () => {
    const { socket } = document.channels;
    expect(
      socket["x-close-codes"].map(({ reason, code, reconnect }) => [reason, { code, reconnect }]),
    ).toEqual(Object.entries(closeCodes));
    for (const { when, then } of socket["x-close-codes"]) expect([when, then]).not.toContain("");
    const errors = socket["x-error-codes"];
    expect(Object.keys(problemCatalogue)).toEqual(
      expect.arrayContaining(errors.map(({ code }) => code)),
    );
    for (const { title, when, then } of errors) expect([title, when, then]).not.toContain("");
  });
});
