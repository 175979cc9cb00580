// The load under which faults strike: people who send over sockets and HTTP until they are told that it is stored, who
// come and go, and who look away for a while.
import type { Client } from "./client.ts";
import type { Figures, Recovery } from "./figures.ts";
import { depart, type Leaver } from "./departures.ts";
import { exportSomething, type Archive } from "./exports.ts";
import { changeName } from "./profiles.ts";
import { postByHook, type Hook } from "./hooks.ts";
import type { ExportRecord, Move, ProfileChange, Reacting, Revision, Send } from "./history.ts";
import type { Mix } from "./mix.ts";
import { moveOnce } from "./moves.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";
import { reactOnce } from "./react.ts";
import { reviseOne } from "./revise.ts";
import { sendOne } from "./sends.ts";
import { stopOne } from "./stops.ts";

export interface Cast {
  owner: Person;
  /** People who never leave. */
  members: Person[];
  /** People who come and go. */
  guests: Person[];
  /** A person in all chats, who says nothing, and goes without coming back. */
  absentee: Person;
  /** A person in no chat. */
  stranger: Person;
}

export interface Recorded {
  sends: Send[];
  revisions: Revision[];
  reactions: Reacting[];
  moves: Move[];
  renames: { chatId: number; name: string }[];
  profiles: ProfileChange[];
  exports: ExportRecord[];
  incidents: string[];
}

const sendersEach = 2;
/** The time after which a try is given up, which is longer than any outage on a busy machine. */
const givenUpMs = 180_000;
const renamePauseMs = 1_500;
const lookAwayPauseMs = 1_200;
const claimPauseMs = 700;
/** The longest pause between two connections that are broken while nothing else is wrong. */
const flapPauseMs = 2_500;

export interface LoadParts {
  cast: Cast;
  chatIds: number[];
  clients: Client[];
  random: Random;
  figures: Figures;
  recovery: Recovery;
  mix: Mix;
  archive: Archive;
  leavers: readonly Leaver[];
  hooks: readonly Hook[];
}

/** Begins at once. `stop` settles when everything that was begun has come to its end. */
export function startLoad({
  cast,
  chatIds,
  clients,
  random,
  figures,
  recovery,
  mix,
  ...others
}: LoadParts) {
  const recorded: Recorded = {
    sends: [],
    revisions: [],
    reactions: [],
    moves: [],
    renames: [],
    profiles: [],
    exports: [],
    incidents: [],
  };
  const onIncident = (words: string) => void recorded.incidents.push(words);
  const trying = { figures, retryMsMax: mix.retryMsMax, givenUpMs, onIncident };
  const { owner, members, guests } = cast;
  let stopping = false;

  async function repeat(pauseMsMax: number, random: Random, act: () => Promise<void>) {
    while (!stopping) {
      await Bun.sleep(random.int(0, pauseMsMax));
      if (!stopping) await act();
    }
  }

  async function rename(chatId: number, name: string) {
    recorded.renames.push({ chatId, name });
    const reply = await owner.certainly("PATCH", `/api/chats/${chatId}`, { name });
    if (reply?.status !== 200) {
      onIncident(`a new name was answered with ${JSON.stringify(reply)}`);
    }
  }

  function revises(client: Client, own: readonly Send[]): Promise<void> {
    const name = `${client.tape.name} edits`;
    const decisions = random.fork(name);
    let changes = 0;
    const parts = {
      client,
      own,
      all: client.person === owner ? recorded.sends : [],
      revisions: recorded.revisions,
      ...trying,
    };
    return repeat(mix.revisePauseMs, decisions, () =>
      reviseOne(parts, decisions, `${name} ${(changes += 1)}`),
    );
  }

  function reacts(person: Person): Promise<void> {
    const decisions = random.fork(`${person.username} reacts`);
    const parts = {
      clients: clients.filter((client) => client.person === person),
      sends: recorded.sends,
      reactions: recorded.reactions,
      ...trying,
    };
    return repeat(mix.reactPauseMs, decisions, () => reactOnce(parts, decisions));
  }

  const work: Promise<void>[] = [];
  const stops = random.fork("stops");
  work.push(repeat(mix.stopPauseMs, stops, () => stopOne({ clients, figures, onIncident }, stops)));
  const flaps = random.fork("flaps");
  work.push(repeat(flapPauseMs, flaps, async () => flaps.pick(clients).cut()));
  for (const client of clients) {
    const claims = random.fork(`${client.tape.name} claims`);
    const claim = async () => void (await client.claim(claims.chance(0.5) ? "away" : "online"));
    work.push(repeat(claimPauseMs, claims, claim));
    const sends: Send[] = [];
    const sending = { client, chatIds, own: sends, all: recorded.sends, recovery, mix, ...trying };
    for (let sender = 1; sender <= sendersEach; sender += 1) {
      const name = `${client.tape.name}-${sender}`;
      const own = random.fork(name);
      let sent = 0;
      work.push(
        repeat(mix.sendPauseMs, own, () => sendOne(sending, own, `${name}-${(sent += 1)}`)),
      );
    }
    const own = random.fork(`${client.tape.name} looks away`);
    work.push(repeat(lookAwayPauseMs, own, () => client.pause(own.pick(chatIds), own.int(0, 300))));
    work.push(revises(client, sends));
  }
  for (const person of new Set(clients.map((client) => client.person))) work.push(reacts(person));
  for (const person of [owner, ...members]) {
    const own = random.fork(`${person.username} has names`);
    const parts = { person, profiles: recorded.profiles, ...trying };
    const change = () => changeName(parts, own, `${person.username} ${own.int(1, 1_000_000)}`);
    work.push(repeat(renamePauseMs, own, change));
  }
  const exports = random.fork("exports");
  const exporting = { archive: others.archive, records: recorded.exports, figures, onIncident };
  work.push(repeat(mix.exportPauseMs, exports, () => exportSomething(exporting, exports)));
  const departing = random.fork("departures");
  const leavers = [...others.leavers];
  work.push(
    repeat(mix.departPauseMs, departing, async () => {
      const leaver = leavers.shift();
      if (!leaver) return;
      await depart(leaver, departing, trying);
      figures.departures += 1;
    }),
  );
  for (const hook of others.hooks) {
    const name = `webhook ${chatIds.indexOf(hook.chatId)}`;
    const own = random.fork(name);
    const parts = { hook, person: owner, sends: recorded.sends, ...trying };
    let posts = 0;
    const post = () => postByHook(parts, own, `${name}-${(posts += 1)}`);
    work.push(repeat(mix.hookPauseMs, own, post));
  }
  for (const chatId of chatIds) {
    for (const guest of guests) {
      const own = random.fork(`${guest.username} moves in ${chatIds.indexOf(chatId)}`);
      const parts = { guest, owner, members, clients, moves: recorded.moves, figures, onIncident };
      let isIn = true;
      work.push(
        repeat(mix.movePauseMs, own, async () => {
          isIn = await moveOnce(parts, chatId, own, isIn);
        }),
      );
    }
    const own = random.fork(`names of ${chatIds.indexOf(chatId)}`);
    let names = 0;
    work.push(repeat(renamePauseMs, own, () => rename(chatId, `name ${(names += 1)}`)));
  }

  return {
    recorded,
    /** Whether somebody is still going to delete their account. */
    hasLeavers: () => leavers.length > 0,
    async stop() {
      stopping = true;
      await Promise.all(work);
    },
  };
}
