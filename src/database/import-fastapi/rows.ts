// Parses rows of a source as they are staged, and finds the faults that a row has by itself. Faults between rows are found by
// checks in SQL.
import { isReservedUsername } from "../../wire/mentions.ts";
import { Email, Username } from "../../wire/users.ts";
import type { TableKind } from "./layout.ts";
import type { Row } from "./source.ts";
import { shown, storable, toFlag, toId, toText, toTime } from "./values.ts";

/** The longest text that is taken, which is longer than any answer of the model. People may write 16,000 here; a longer text is kept whole. */
const contentMax = 100_000;
const contentOfPeopleMax = 16_000;
const chatNameMax = 100;
const usernameMax = 32;

/** 2x marks hashes of an implementation with a bug. A cost above 16 would keep a processor busy for seconds. */
const bcryptPattern = /^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/;

export interface StagedRow {
  /** The place in the order of the source. */
  n: number;
  /** Names the row in the list. */
  key: string;
  /** The reason for which the row is left out; null if it is taken. */
  fault: string | null;
  /** Parts of the row that are taken in another form than the source has them. */
  changes: string[];
  [member: string]: string | number | boolean | null | string[];
}

export interface ParseOptions {
  now: Date;
  /** A hash that no password matches. */
  unusableHash: string;
}

type Parser = (row: Row, n: number, options: ParseOptions) => StagedRow;

/** The parser of each table's rows. */
export const parsers: Readonly<Record<TableKind, Parser>> = {
  users: parseUser,
  chats: parseChat,
  participants: parseParticipant,
  messages: parseMessage,
  receipts: parseReceipt,
};

function begin(n: number, key: string): StagedRow {
  return { n, key, fault: null, changes: [] };
}

function beginWithId(row: Row, n: number): StagedRow & { id: number | null } {
  const id = toId(row.id) ?? null;
  const staged = { ...begin(n, id === null ? shown(row.id) : String(id)), id };
  if (id === null) staged.fault = "its id is no positive whole number";
  return staged;
}

function parseUser(row: Row, n: number, { now, unusableHash }: ParseOptions): StagedRow {
  const staged = beginWithId(row, n);
  const given = toText(row.username);
  const username = usernameOf(given);
  const email = emailOf(toText(row.email));
  if (email === null) {
    staged.changes.push(`the e-mail address ${shown(row.email)} is not valid here: it is replaced`);
  }
  const hash = toText(row.hash) ?? "";
  const isKnown = bcryptPattern.test(hash);
  if (!isKnown) {
    staged.changes.push("its password hash is not one of bcrypt: nobody can sign in");
  }
  // A missing or unreadable flag is no ban.
  const isActive = toFlag(row.is_active) ?? true;
  if (!isActive) staged.changes.push("it is not active: nobody can sign in");
  return {
    ...staged,
    username,
    given: given === undefined ? null : storable(given),
    candidate: username ?? candidateFor(given ?? ""),
    email,
    hash: isKnown && isActive ? hash : unusableHash,
    created_at: timeOf(row, "created_at", now, staged, "it gets that of the import"),
  };
}

/** A name that keeps the rules; null for any other. */
function usernameOf(given: string | undefined): string | null {
  const { data } = Username.safeParse(given);
  return data !== undefined && data === given && !isReservedUsername(data) ? data : null;
}

/** A name that keeps the rules and resembles another one. */
function candidateFor(given: string): string {
  const letters = given.trim().normalize("NFKD").replace(/\p{M}/gu, "");
  const name = letters.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, usernameMax);
  return /[A-Za-z0-9]/.test(name) && name.length > 1 && !isReservedUsername(name)
    ? name
    : `user_${name}`.slice(0, usernameMax);
}

function emailOf(given: string | undefined): string | null {
  const { data } = Email.safeParse(given);
  return data === undefined || data.toLowerCase().endsWith("@imported.invalid") ? null : data;
}

function parseChat(row: Row, n: number, { now }: ParseOptions): StagedRow {
  const staged = beginWithId(row, n);
  const given = toText(row.name) ?? "";
  const letters = Array.from(storable(given));
  const name = letters.slice(0, chatNameMax).join("");
  if (name !== given) {
    staged.changes.push(
      letters.length > chatNameMax
        ? `its name is cut to ${chatNameMax} characters`
        : "its name loses characters that cannot be stored",
    );
  }
  return {
    ...staged,
    name: name.trim() === "" ? null : name,
    owner_id: toId(row.owner_id) ?? null,
    // Without the column, or with NULL in it, the chat names no owner that could be missing.
    has_owner: row.owner_id !== undefined && row.owner_id !== null,
    is_group: toFlag(row.is_group) ?? false,
    is_ai_chat: toFlag(row.is_ai_chat) ?? false,
    created_at: timeOf(row, "created_at", now, staged, "it gets that of its first message"),
  };
}

function parseParticipant(row: Row, n: number, { now }: ParseOptions): StagedRow {
  const staged = begin(n, `chat ${shown(row.chat_id)}, user ${shown(row.user_id)}`);
  const role = (toText(row.role) ?? "").toLowerCase();
  return {
    ...staged,
    chat_id: toId(row.chat_id) ?? null,
    user_id: toId(row.user_id) ?? null,
    is_admin: ["owner", "creator", "admin"].includes(role) || toFlag(row.is_admin) === true,
    joined_at: timeOf(row, "joined_at", now, staged, "it gets that of the chat"),
  };
}

function parseMessage(row: Row, n: number, { now }: ParseOptions): StagedRow {
  const staged = beginWithId(row, n);
  const userId = toId(row.user_id) ?? null;
  const isBot = toFlag(row.is_bot) ?? row.user_id === null;
  const given = toText(row.content);
  const content = storable(given ?? "");
  const length = content.length > contentOfPeopleMax ? Array.from(content).length : content.length;
  if (given === undefined) staged.fault ??= "its content is no text";
  else if (content.trim() === "") staged.fault ??= "its content is blank";
  else if (length > contentMax) {
    staged.fault ??= `its content has ${length} characters, more than ${contentMax}`;
  }
  if (content !== given) staged.changes.push("it loses characters that cannot be stored");
  if (!isBot && length > contentOfPeopleMax) {
    staged.changes.push(
      `its ${length} characters are kept, although people may write ${contentOfPeopleMax} at most`,
    );
  }
  return {
    ...staged,
    chat_id: toId(row.chat_id) ?? null,
    user_id: isBot ? null : userId,
    author: isBot ? null : shown(row.user_id),
    content: staged.fault === null ? content : null,
    is_bot: isBot,
    created_at: timeOf(row, "created_at", now, staged, "it gets that of the message before it"),
  };
}

function parseReceipt(row: Row, n: number): StagedRow {
  return {
    ...begin(n, `message ${shown(row.message_id)}, user ${shown(row.user_id)}`),
    message_id: toId(row.message_id) ?? null,
    user_id: toId(row.user_id) ?? null,
  };
}

/** The time in a column. A column that the table does not have is no change of its rows. */
function timeOf(row: Row, column: string, now: Date, { changes }: StagedRow, instead: string) {
  const time = toTime(row[column], now) ?? null;
  if (time === null && row[column] !== undefined) {
    changes.push(`its time ${shown(row[column])} is missing or impossible: ${instead}`);
  }
  return time;
}
