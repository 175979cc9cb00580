// A message between servers: a header, a line feed, and the text of a frame as the sending server has serialised it. Only the
// header is parsed. It comes from outside, so that everything in it is checked; a header that does not fit is dropped.
import { z } from "zod";
import { UserFrameName } from "../wire/list-frames.ts";

const version = 1;
const headerBytesMax = 4_096;
const lineFeed = 10;
/** People of one page of a roster. */
export const rosterPageMax = 500;
const namesMax = 64;

const Id = z.int().positive();
const Count = z.int().nonnegative();
const Time = z.string().max(40);
const Name = z.string().min(1).max(namesMax);
const Person = z.tuple([Id, Name]);

const envelope = {
  v: z.literal(version),
  /** The server that has sent it, a new name for each life of a process. */
  from: z.string().regex(/^[\w-]{8,36}$/),
  /** Its messages are numbered, so that one that comes twice is noticed. */
  n: Id,
};
const inChat = { ...envelope, chat: Id };
/** The number of the chat's last change of its own or of its people, when the frame was numbered. */
const members = Count.optional();

export const Header = z.discriminatedUnion("kind", [
  // On the subject of a chat. A frame with a number: without a text it is too large for the bus, and has to be read from the log.
  z.object({
    kind: z.literal("numbered"),
    ...inChat,
    seq: Id,
    members,
    shape: z.enum(["message", "first", "last", "other"]),
    answer: z.object({ id: Id, createdAt: Time, length: Count }).optional(),
    removed: Id.optional(),
    isRepeated: z.boolean().optional(),
  }),
  z.object({
    kind: z.literal("passing"),
    ...inChat,
    after: Count.optional(),
    except: Id.optional(),
    isTyping: z.boolean().optional(),
  }),
  // A piece of an answer. `length`: UTF-16 units of the whole text with it.
  z.object({
    kind: z.literal("chunk"),
    ...inChat,
    id: Id,
    attempt: Id,
    after: Id,
    createdAt: Time,
    offset: Count,
    length: Count,
    isGrown: z.boolean().optional(),
  }),
  z.object({ kind: z.literal("beat"), ...inChat, seq: Count, roster: Count }),
  z.object({ kind: z.literal("came"), ...inChat, before: Count, roster: Id, person: Person }),
  z.object({ kind: z.literal("went"), ...inChat, before: Count, roster: Id, person: Person }),
  z.object({ kind: z.literal("hello"), ...inChat }),
  z.object({ kind: z.literal("moved"), ...inChat, user: Id }),
  z.object({ kind: z.literal("ended"), ...inChat }),
  // On the subject of a chat's list.
  z.object({
    kind: z.literal("activity"),
    ...inChat,
    seq: Id,
    number: Id,
    members,
    revises: z.enum(["newest", "other"]).optional(),
  }),
  z.object({ kind: z.literal("changed"), ...inChat, number: Id }),
  // On the subject of the answers that run in a chat.
  z.object({ kind: z.literal("texts"), ...inChat }),
  z.object({ kind: z.literal("stop"), ...inChat, id: Id }),
  // On the subject of one server.
  z.object({ kind: z.literal("roster"), ...inChat, roster: Count, isFirst: z.boolean() }),
  z.object({ kind: z.literal("rosterWanted"), ...inChat }),
  // On the subject of a person.
  z.object({
    kind: z.literal("user"),
    ...envelope,
    user: Id,
    type: UserFrameName,
    chatId: Id,
    opens: Id.optional(),
    ends: Id.optional(),
    change: z.object({ chatId: Id, seq: Id }).optional(),
    after: z.object({ chatId: Id, seq: Id }).optional(),
  }),
  z.object({ kind: z.literal("shown"), ...envelope, user: Id }),
  // Envelopes to all servers.
  z.object({ kind: z.literal("look"), ...envelope, at: z.enum(["presence", "people"]) }),
  z.object({ kind: z.literal("alive"), ...envelope, isLast: z.boolean().optional() }),
  z.object({ kind: z.literal("sessions"), ...envelope, ids: z.array(z.uuid()).min(1).max(50) }),
]);
export type Header = z.infer<typeof Header>;
export type HeaderOf<Kind extends Header["kind"]> = Extract<Header, { kind: Kind }>;
/** A header without what every one has. */
export type Unsigned<H = Header> = H extends Header ? Omit<H, "v" | "from" | "n"> : never;

/** The people of a roster's page, as the text of its message. */
export const RosterPage = z.array(Person).max(rosterPageMax);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** @param text undefined for none */
export function encode(header: Header, text: string | undefined): Uint8Array {
  const line = JSON.stringify(header);
  return encoder.encode(text === undefined ? line : `${line}\n${text}`);
}

export function sign(unsigned: Unsigned, from: string, n: number): Header {
  return { ...unsigned, v: version, from, n };
}

/** @returns undefined for something that no server of this version sends */
export function decode(payload: Uint8Array): { header: Header; text: string } | undefined {
  const found = payload.subarray(0, headerBytesMax + 1).indexOf(lineFeed);
  const end = found < 0 ? payload.length : found;
  if (end > headerBytesMax) return undefined;
  try {
    const header = Header.safeParse(JSON.parse(decoder.decode(payload.subarray(0, end))));
    if (!header.success) return undefined;
    // A copy: the payload is a view into a buffer of the client library.
    return { header: header.data, text: decoder.decode(payload.subarray(end + 1)) };
  } catch {
    return undefined;
  }
}
