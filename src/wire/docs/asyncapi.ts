// The AsyncAPI 3.0 document of the socket, made of the schemas that the frames are checked and typed by.
import { z } from "zod";
import { ClientFrame, closeCodes, frameBytesMax, type CloseReason } from "../frames.ts";
import { serverFrames } from "../server-frames.ts";
import { clientNotes } from "./client-frames.ts";
import { closeNotes } from "./close-codes.ts";
import { errorNotes } from "./errors.ts";
import { securitySchemes } from "./security-schemes.ts";
import { addressees } from "./examples.ts";
import { serverNotes } from "./server-frames.ts";
import { problemCatalogue } from "../problems.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

interface Reference {
  $ref: string;
}

/** AsyncAPI's Message Object, as far as it is used here. */
export interface FrameMessage {
  /** The frame's `type`. */
  name: string;
  title: string;
  summary: string;
  description?: string;
  contentType: "application/json";
  payload: Reference;
  correlationId?: Reference;
  examples: [{ name: string; payload: object }];
}

export interface CloseCode {
  code: number;
  /** What the close frame's reason begins with. */
  reason: string;
  reconnect: boolean;
  when: string;
  then: string;
}

const pascal = (name: string) =>
  name.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
/** Of a client frame in the document, by its type. */
export const clientKey = (type: string) => `Client${pascal(type)}`;
/** Of a server frame in the document, by its name in `serverFrames`. */
export const serverKey = (name: string) => `Server${pascal(name)}`;

const toMessage = (key: string): Reference => ({ $ref: `#/channels/socket/messages/${key}` });
const channel: Reference = { $ref: "#/channels/socket" };

/** A schema, and the named ones that it refers to. */
function schemasOf(key: string, schema: z.ZodType, io: "input" | "output") {
  const json = z.toJSONSchema(schema, {
    target: "draft-7",
    io,
    override({ jsonSchema }) {
      // Members may follow, which a client ignores.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
      if ("example" in jsonSchema) {
        jsonSchema.examples = [jsonSchema.example];
        delete jsonSchema.example;
      }
    },
  });
  const text = JSON.stringify(json).replaceAll('"#/definitions/', '"#/components/schemas/');
  const { $schema: _, definitions, ...own } = JSON.parse(text);
  const schemas: Record<string, JsonSchema> = { ...definitions, [key]: own };
  return schemas;
}

function frameMessage(
  key: string,
  schema: { shape: object },
  note: { title?: string; summary: string; description?: string; example: object },
): FrameMessage {
  const type = "type" in note.example ? String(note.example.type) : key;
  return {
    name: type,
    title: note.title ?? type,
    summary: note.summary,
    ...(note.description === undefined ? {} : { description: note.description }),
    contentType: "application/json",
    payload: { $ref: `#/components/schemas/${key}` },
    ...("request_id" in schema.shape
      ? { correlationId: { $ref: "#/components/correlationIds/request" } }
      : {}),
    examples: [{ name: type, payload: note.example }],
  };
}

function frames() {
  const schemas: Record<string, JsonSchema> = {};
  const messages: Record<string, FrameMessage> = {};
  for (const schema of ClientFrame.options) {
    const type = schema.shape.type.value;
    const key = clientKey(type);
    Object.assign(schemas, schemasOf(key, schema, "input"));
    messages[key] = frameMessage(key, schema, clientNotes[type]);
  }
  for (const name of namesOf(serverFrames)) {
    const key = serverKey(name);
    Object.assign(schemas, schemasOf(key, serverFrames[name], "output"));
    messages[key] = frameMessage(key, serverFrames[name], serverNotes[name]);
  }
  return { schemas, messages };
}

function namesOf<T extends object>(record: T): (keyof T & string)[] {
  return Object.keys(record) as (keyof T & string)[];
}

function operations() {
  const received = ClientFrame.options.map(({ shape: { type } }) => {
    const { summary, reply } = clientNotes[type.value];
    return [
      type.value,
      {
        action: "receive" as const,
        channel,
        title: type.value,
        summary,
        messages: [toMessage(clientKey(type.value))],
        reply: {
          channel,
          messages: [toMessage(serverKey(reply)), toMessage(serverKey("error"))],
        },
      },
    ] as const;
  });
  const sent = namesOf(addressees).map((to) => {
    const names = namesOf(serverFrames).filter((name) => serverNotes[name].to === to);
    return [
      `to_${to}`,
      {
        action: "send" as const,
        channel,
        title: `to_${to}`,
        ...addressees[to],
        messages: names.map((name) => toMessage(serverKey(name))),
      },
    ] as const;
  });
  return { received: Object.fromEntries(received), sent: Object.fromEntries(sent) };
}

/** The codes that this server closes with, and what a client does then. */
export function closeCodeTable(): CloseCode[] {
  return namesOf(closeCodes).map((reason: CloseReason) => ({
    code: closeCodes[reason].code,
    reason,
    reconnect: closeCodes[reason].reconnect,
    ...closeNotes[reason],
  }));
}

/** @param host as the client knows this server: `localhost:8000` */
export function serversAt(host: string) {
  const security = namesOf(securitySchemes).map((name) => ({
    $ref: `#/components/securitySchemes/${name}`,
  }));
  return {
    tls: { host, protocol: "wss", description: "Where the server is reached by https", security },
    plain: { host, protocol: "ws", description: "Where it is reached by http", security },
  };
}

export type AsyncApi = ReturnType<typeof asyncApi>;

export function asyncApi(version: string) {
  const { schemas, messages } = frames();
  const { received, sent } = operations();
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Gemini Coop's socket",
      version,
      description:
        "Everything live comes over one WebSocket: text frames, one JSON object each, " +
        `${frameBytesMax / 1024} KiB at most. What the operations receive is what a client sends. Members may be added: ` +
        "ignore those that you don't know. `/docs/socket` tells how to connect, catch up and show answers; `/openapi.json` " +
        "describes the HTTP half.",
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    defaultContentType: "application/json",
    servers: serversAt("localhost:8000"),
    channels: {
      socket: {
        address: "/ws",
        title: "The socket",
        description:
          "One socket a client, for all its chats. A page of an origin that is not in CORS_ORIGINS is refused with 403.",
        messages: Object.fromEntries(
          Object.keys(messages).map((key) => [key, { $ref: `#/components/messages/${key}` }]),
        ),
        bindings: {
          ws: {
            method: "GET",
            query: {
              type: "object",
              properties: {
                token: {
                  type: "string",
                  description: "An access token or a ticket. Without it the first frame is `auth`.",
                },
                frames: {
                  type: "string",
                  enum: ["flat"],
                  description: "With an access token: frames without the nested `message`.",
                },
              },
            },
            bindingVersion: "0.1.0",
          },
        },
        "x-close-codes": closeCodeTable(),
        "x-error-codes": namesOf(errorNotes).map((code) => ({
          code,
          title: problemCatalogue[code].title,
          ...errorNotes[code],
        })),
      },
    },
    operations: { ...received, ...sent },
    components: {
      schemas,
      messages,
      securitySchemes,
      correlationIds: {
        request: {
          description: "A text or a whole number of the client's own choice",
          location: "$message.payload#/request_id",
        },
      },
    },
  };
}
