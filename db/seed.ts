// `bun run seed`: a small world to look around in, made through the same actions that the server runs. Every message has a
// client id and every chat a name, so that another run adds only what is missing.
import pino from "pino";
import { changeMe, getMe } from "../src/accounts/me.ts";
import { logout } from "../src/accounts/refresh.ts";
import { login, register } from "../src/accounts/sign-in.ts";
import { noMail } from "../src/mail/mail.ts";
import { makeSecret, readAccessToken, type Caller } from "../src/accounts/access-tokens.ts";
import { createDemonstration } from "../src/model/demonstration.ts";
import { createChat, listChats } from "../src/chats/actions.ts";
import { inviteToChat } from "../src/chats/participant-actions.ts";
import { ConfigError, readConfig, type Config } from "../src/config/config.ts";
import { compose } from "../src/compose.ts";
import type { AppParts } from "../src/app.ts";
import type { Ctx } from "../src/context.ts";
import type { DatabaseAddress } from "../src/config/database-address.ts";
import { openPool } from "../src/database/pooler.ts";
import { updateReadPosition } from "../src/receipts/position-queries.ts";
import { migrate } from "../src/database/migrations/migrate.ts";
import { sendMessage } from "../src/messages/send.ts";
import { Problem } from "../src/wire/problems.ts";
import { UpdateMeInput } from "../src/wire/users.ts";
import { withDatabase } from "./database.ts";

const password = "gemini-coop";
/** The source of the actions in the audit trail: this command, and no client. */
const source = { address: "127.0.0.1", userAgent: "bun run seed" };
const names = ["alice", "bob", "carol"] as const;
type Name = (typeof names)[number];

/** Bob has none, and is shown under his username. */
const profiles: Partial<Record<Name, { display_name: string; bio: string }>> = {
  alice: { display_name: "Alice Martín", bio: "Asks before she looks things up." },
  carol: { display_name: "Carol 李", bio: "Physics, and long walks." },
};

interface Room {
  name: string;
  isGroup: boolean;
  isAiChat: boolean;
  /** The first one owns it. */
  people: [Name, ...Name[]];
  messages: [from: Name, content: string][];
  /** The people who have read the chat's last message. */
  readBy: Name[];
}

const rooms: Room[] = [
  {
    name: "Alice and Bob",
    isGroup: false,
    isAiChat: false,
    people: ["alice", "bob"],
    messages: [
      ["alice", "Hi Bob! Have you done the physics homework yet?"],
      ["bob", "Half of it. The one about the sky is hard."],
      ["alice", "Let us ask in the group, Gemini is there too."],
    ],
    readBy: ["alice"],
  },
  {
    name: "Physics homework",
    isGroup: true,
    isAiChat: false,
    people: ["alice", "bob", "carol"],
    messages: [
      ["alice", "Welcome, both of you. A line that begins with /bot asks Gemini."],
      ["carol", "Then I begin."],
      ["carol", "/bot Why is the sky blue?"],
      ["bob", "Good question, Carol."],
    ],
    readBy: ["alice", "carol"],
  },
  {
    name: "Gemini",
    isGroup: false,
    isAiChat: true,
    people: ["alice"],
    messages: [["alice", "Here you answer everything, don't you?"]],
    readBy: ["alice"],
  },
];

/** Warnings go to stderr, so that stdout holds only the result. */
const log = pino({ level: "warn" }, pino.destination(2));

async function main(): Promise<number> {
  try {
    const config = readConfig();
    if (config.production) {
      console.error("The seed has well-known passwords: it is not for production.");
      return 1;
    }
    console.log(await withDatabase(config, log, (address) => seed(config, address)));
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(error instanceof ConfigError ? error.message : `Failed: ${error.message}`);
    return 1;
  }
}

async function seed(config: Config, address: DatabaseAddress): Promise<string> {
  await migrate(address, { log });
  const sql = await openPool(address, log);
  // Gemini itself would cost the owner of its key something.
  const answer = createDemonstration({ pieceDelayMs: 0 });
  const parts = compose({
    config: { ...config, secretKey: makeSecret() },
    sql,
    log,
    model: { answer, description: "offline demonstration" },
  });
  const { ctx } = parts;
  try {
    const sessions = new Map<Name, Session>();
    for (const name of names) sessions.set(name, await signIn(parts, name));
    const callerOf = (name: Name) => sessions.get(name)?.caller ?? unknown(name);
    for (const name of names) await introduce(ctx, callerOf(name), profiles[name]);
    const lines: string[] = [];
    for (const room of rooms) lines.push(await furnish(ctx, callerOf, room));
    for (const { refreshToken } of sessions.values()) await logout(ctx, refreshToken, source);
    return [
      "The sample data is stored. Sign in as any of these people:",
      "",
      ...names.map((name) => `  username ${name.padEnd(7)} password ${password}`),
      "",
      "Chats:",
      "",
      ...lines,
    ].join("\n");
  } finally {
    await sql.end({ timeout: 2 });
  }
}

function unknown(name: string): never {
  throw new Error(`${name} has not signed in`);
}

interface Session {
  caller: Caller;
  refreshToken: string;
}

async function signIn({ ctx, passwords }: AppParts, username: Name): Promise<Session> {
  try {
    await register(
      ctx,
      { passwords, mail: noMail },
      { username, email: `${username}@example.com`, password },
      source,
    );
  } catch (error) {
    if (!isProblem(error, "username_taken")) throw error;
  }
  try {
    const tokens = await login(ctx, passwords, { username, password }, source);
    const caller = { ...(await readAccessToken(ctx, tokens.access_token)), source };
    return { caller, refreshToken: tokens.refresh_token };
  } catch (error) {
    if (!isProblem(error, "invalid_credentials")) throw error;
    throw new Error(`${username} has registered here with another password.`, { cause: error });
  }
}

/** Gives a person without a display name one; what somebody has changed meanwhile stays. */
async function introduce(ctx: Ctx, caller: Caller, profile: (typeof profiles)[Name]) {
  if (!profile || (await getMe(ctx, caller)).display_name !== null) return;
  await changeMe(ctx, caller, UpdateMeInput.parse(profile));
}

function isProblem(error: unknown, code: Problem["code"]): boolean {
  return error instanceof Problem && error.code === code;
}

/** @returns a line about the room */
async function furnish(ctx: Ctx, callerOf: (name: Name) => Caller, room: Room): Promise<string> {
  const { name, isGroup, isAiChat, people, messages, readBy } = room;
  const owner = callerOf(people[0]);
  const chats = await listChats(ctx, owner);
  const existing = chats.find((chat) => chat.name === name);
  const chat =
    existing ?? (await createChat(ctx, owner, { name, is_group: isGroup, is_ai_chat: isAiChat }));
  for (const username of people) await inviteToChat(ctx, owner, chat.id, username);
  let lastSeq = 0;
  for (const [index, [from, content]] of messages.entries()) {
    const message = { content, client_id: `seed-${index + 1}` };
    lastSeq = (await sendMessage(ctx, callerOf(from), chat.id, message)).seq;
    const running = ctx.answers.inChat(chat.id, Infinity);
    await Promise.all(running.map((reply) => reply.done));
  }
  for (const username of readBy)
    await updateReadPosition(ctx.sql, callerOf(username).id, chat.id, lastSeq);
  return `  ${String(chat.id).padEnd(4)} ${name.padEnd(17)} ${people.join(", ")}`;
}

process.exit(await main());
