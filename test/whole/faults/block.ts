// A block: fresh chats, people under load in them while faults strike, then quiet, and one check of all that happened.
import type { Sql } from "../../../src/database/connect.ts";
import { within } from "../../../src/schedule.ts";
import { Chat } from "../../../src/wire/chats.ts";
import { check } from "./checker.ts";
import { openClient, type Client } from "./client.ts";
import { prepareLeavers, readLeftBehind } from "./departures.ts";
import { exportAll, prepareArchive } from "./exports.ts";
import { createRecovery, type Figures } from "./figures.ts";
import { checkFiles } from "./files.ts";
import { prepareHooks } from "./hooks.ts";
import type { History, Load, Report, Tape, TapeEvent, Violation } from "./history.ts";
import { startLoad, type Cast, type Recorded } from "./load.ts";
import type { Mix } from "./mix.ts";
import type { ScriptedModel } from "./model.ts";
import { registerPerson, type Person } from "./people.ts";
import { settlePresence } from "./presence.ts";
import type { Random } from "./random.ts";
import type { Served } from "./stage.ts";
import { prepareWebhooks } from "./webhooks.ts";
import {
  countRunning,
  endAdmissions,
  findSearchFaults,
  findUnsettledBudgets,
  readNames,
  readStored,
} from "./stored.ts";

const chatCount = 3;
const answersMsMax = 40_000;
const caughtUpMsMax = 20_000;
const deletedMsMax = 30_000;
const pollMs = 100;

export interface BlockParts {
  cast: Cast;
  model: ScriptedModel;
  server: Served;
  random: Random;
  figures: Figures;
  mix: Mix;
  /** Begins every client id, so that no two blocks have the same. */
  idPrefix: string;
  /** Opens the database that the server uses, past whatever is between them. */
  openDatabase: () => Promise<Sql>;
  /** The server's store of files. */
  filesFolder: string;
  /** Takes the failures of the server itself since the last call. */
  takeIncidents: () => string[];
}

export type Block = Awaited<ReturnType<typeof openBlock>>;

export async function openBlock(parts: BlockParts) {
  const { cast, model, server, random, figures, mix, idPrefix } = parts;
  const [killsBefore, resumedBefore] = [server.kills, model.resumed];
  const chatIds: number[] = [];
  for (let n = 0; n < chatCount; n += 1) chatIds.push(await openChat(cast));

  const { staying, archive, leavers } = await prepare(parts);
  const recovery = createRecovery(figures);
  const everyone = [cast.owner, ...cast.members, ...cast.guests];
  const watchedIds = [...everyone, cast.absentee, cast.stranger].map(({ id }) => id);
  const open = (person: Person, name: string, isIn = true) =>
    openClient({
      name: `${idPrefix}-${name}`,
      person,
      chatIds: isIn ? chatIds : [],
      watchedIds,
      random: random.fork(name),
      onReconnect: () => void (figures.reconnects += 1),
    });
  const clients: Client[] = everyone.map((person) => open(person, person.username));
  // One person at two screens.
  const [twin] = cast.members;
  if (twin) clients.push(open(twin, `${twin.username}-too`));
  const absentee = open(cast.absentee, "lee", false);
  const stranger = open(cast.stranger, "sam", false);
  const hooks = await prepareHooks(cast.owner, chatIds);
  const webhooks = await prepareWebhooks(cast.owner, chatIds, {
    random: random.fork("webhooks"),
    figures,
  });
  const load = startLoad({
    ...{ cast, chatIds, clients, random, figures, recovery, mix, archive, leavers, hooks },
  });

  return {
    clients,
    recovery,
    hasLeavers: load.hasLeavers,
    /** Somebody whose presence is watched, and who does nothing else. */
    absentee,
    /** Lets everything come to its end. @returns what broke the guarantees, and what all clients have sent and seen */
    async settle(): Promise<{ violations: Violation[]; tapes: Tape[] }> {
      await load.stop();
      const sql = await parts.openDatabase();
      try {
        const history = await quiet(sql, load.recorded);
        const violations = check(history);
        const report: Report = (rule, detail) => void violations.push({ rule, detail });
        await checkFiles({ sql, reader: cast.owner, folder: parts.filesFolder }, history, report);
        figures.violations += violations.length;
        return { violations, tapes: history.tapes };
      } finally {
        for (const client of [...clients, absentee, stranger]) client.stop();
        await webhooks.stop();
        await sql.end({ timeout: 1 });
      }
    },
  };

  async function quiet(sql: Sql, recorded: Recorded): Promise<History> {
    const deadline = performance.now() + answersMsMax;
    await endAdmissions(sql);
    while ((await countRunning(sql)) > 0 && performance.now() < deadline) {
      await Bun.sleep(pollMs);
    }
    const departures = leavers.map(({ departure }) => departure).filter(({ isDone }) => isDone);
    const leftBehind = await readLeftBehind(sql, departures, staying, deletedMsMax);
    const exports = {
      records: [...recorded.exports, ...(await exportAll(archive))],
      contents: archive.contents,
    };
    const budgets = await findUnsettledBudgets(sql);
    const searchFaults = await findSearchFaults(sql, caughtUpMsMax);
    const told = await webhooks.settle(sql);
    const chats = await readStored(sql, chatIds);
    const names = await readNames(
      sql,
      everyone.map((person) => person.id),
    );
    const reached = clients.flatMap((client) =>
      chats
        .filter((chat) => chat.participants.includes(client.person.id))
        .map((chat) => client.reached(chat.id, chat.last_seq)),
    );
    await within(caughtUpMsMax, Promise.all(reached));
    const watching = [...clients, stranger];
    // Whatever was on its way to a socket arrives before this reply.
    await Promise.all(watching.map((client) => client.request({ type: "ping" })));
    const loads: Load[] = [];
    for (const person of everyone) {
      for (const chatId of chatIds) {
        loads.push({ chatId, userId: person.id, found: await person.load(chatId) });
      }
    }
    // Last, since a server may close a socket at any time, whose client then asks anew.
    const presence = await settlePresence(sql, {
      ...{ clients: watching, absentee, strangers: [stranger], random: random.fork("claims") },
    });
    const tapes = watching.map((client) => client.tape);
    for (const { events } of tapes) {
      figures.frames += events.filter(isIncoming).length;
      figures.presences += events.filter(isPresence).length;
    }
    const bots = chats.flatMap((chat) => chat.messages.filter((message) => message.is_bot));
    figures.answers += bots.length;
    figures.resumed += model.resumed - resumedBefore;
    const incidents = [
      ...recorded.incidents,
      ...parts.takeIncidents(),
      ...model.takeIncidents(),
      ...searchFaults.map((fault) => `the index of the searches differs: ${fault}`),
      ...budgets.map((budget) => `a budget was never settled: ${budget}`),
    ];
    const { asked, answerTo } = model;
    const kills = server.kills - killsBefore;
    const { servers } = server;
    return {
      ...recorded,
      departures,
      leftBehind,
      exports,
      chats,
      names,
      tapes,
      loads,
      presence,
      webhooks: told,
      asked,
      kills,
      servers,
      answerTo,
      incidents,
    };
  }
}

const isIncoming = (event: { kind: string }) => event.kind === "in";
const isPresence = (event: TapeEvent) => event.kind === "in" && event.frame.type === "presence";

/** Makes those who export and those who go, with what they have written, while nothing is wrong. */
async function prepare({ server: { url }, idPrefix, mix, openDatabase }: BlockParts) {
  const sql = await openDatabase();
  try {
    const staying = await registerPerson(url, `${idPrefix}-stays`);
    const archive = await prepareArchive(sql, url, `${idPrefix}-exports`);
    const leavers = await prepareLeavers(sql, {
      ...{ url, staying, prefix: idPrefix, count: mix.departures },
    });
    return { staying, archive, leavers };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function openChat(cast: Cast): Promise<number> {
  const others = [...cast.members, ...cast.guests, cast.absentee].map((person) => person.username);
  const body = { name: "name 0", is_group: true, participant_usernames: others };
  const reply = await cast.owner.certainly("POST", "/api/chats", body);
  return Chat.parse(reply?.body).id;
}
