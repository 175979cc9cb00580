// The frames as AsyncAPI describes them: a Message Object and a JSON Schema for each.
import { z } from "zod";
import { ClientFrame } from "../client-frames.ts";
import { clientFrameScopes } from "../scopes.ts";
import { serverFrames } from "../server-frames.ts";
import { clientNotes } from "./client-frames.ts";
import { serverNotes } from "./server-frames.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

export interface Reference {
  $ref: string;
}

/** The members of AsyncAPI's Message Object that are used here. */
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

const pascal = (name: string) =>
  name.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
/** The key of a client frame in the document, by its type. */
export const clientKey = (type: string) => `Client${pascal(type)}`;
/** The key of a server frame in the document, by its name in `serverFrames`. */
export const serverKey = (name: string) => `Server${pascal(name)}`;

/** The JSON Schema of a frame under its key, and the named schemas that it refers to under theirs. */
function schemasOf(key: string, schema: z.ZodType, io: "input" | "output") {
  const json = z.toJSONSchema(schema, {
    target: "draft-7",
    io,
    override({ jsonSchema }) {
      // A later version may add members, which a client ignores.
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

/** Every frame of both directions, and the schemas that they refer to. */
export function frameMessages() {
  const schemas: Record<string, JsonSchema> = {};
  const messages: Record<string, FrameMessage> = {};
  for (const schema of ClientFrame.options) {
    const type = schema.shape.type.value;
    const key = clientKey(type);
    Object.assign(schemas, schemasOf(key, schema, "input"));
    const scope = clientFrameScopes[type];
    const { description = "", ...note } = clientNotes[type];
    const needs = scope === null ? "" : ` An access key needs the scope \`${scope}\`.`;
    messages[key] = frameMessage(key, schema, { ...note, description: description + needs });
  }
  for (const name of namesOf(serverFrames)) {
    const key = serverKey(name);
    Object.assign(schemas, schemasOf(key, serverFrames[name], "output"));
    messages[key] = frameMessage(key, serverFrames[name], serverNotes[name]);
  }
  return { schemas, messages };
}

/** The keys of a record, as the type that they have. */
export function namesOf<T extends object>(record: T): (keyof T & string)[] {
  return Object.keys(record) as (keyof T & string)[];
}
