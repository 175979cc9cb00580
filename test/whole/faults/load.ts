// The load under which faults strike: people who send over sockets and HTTP until they are told that it is stored, who
// come and go, and who look away for a while.
import type { Client } from "./client.ts";
import type { Figures, Recovery } from "./figures.ts";
import { depart, type Leaver } from "./departures.ts";
import { exportSomething, type Archive } from "./exports.ts";
import { uploadSome } from "./files.ts";
import { changeName } from "./profiles.ts";
import { postByHook, type Hook } from "./hooks.ts";
import type { ExportRecord, Move, ProfileChange, Reacting, Revision, Send } from "./history.ts";
import { questionFor } from "./model.ts";
import { backoffMs } from "./backoff.ts";
import { problemCode, type Person } from "./people.ts";
import type { Random } from "./random.ts";
import { reactOnce } from "./react.ts";
import { reviseOne } from "./revise.ts";

/** How busy people are. Pauses are the longest, in milliseconds. */
export interface Mix {
  sendPauseMs: number;
  movePauseMs: number;
  /** Before a person edits or deletes a message. */
  revisePauseMs: number;
  /** Before a person reacts to a message. */
  reactPauseMs: number;
  /** Between two messages by the webhook of a chat. */
  hookPauseMs: number;
  /** Share of messages that are questions to the model. */
  questions: number;
  /** Share of messages that have a file. */
  files: number;
  /** Pause between two requests to stop an answer. */
  stopPauseMs: number;
  /** Between two exports of one person. */
  exportPauseMs: number;
  /** Before an account is deleted. */
  departPauseMs: number;
  /** Accounts of a block that are deleted at most. */
  departures: number;
  /** The longest pause before the first repetition of a try that was lost; it doubles with each further one. */
  retryMsMax: number;
}

export const usualMix: Mix = {
  sendPauseMs: 60,
  movePauseMs: 400,
  revisePauseMs: 300,
  reactPauseMs: 120,
  hookPauseMs: 250,
  questions: 0.04,
  files: 0.06,
  stopPauseMs: 2_000,
  exportPauseMs: 400,
  departPauseMs: 1_500,
  departures: 4,
  retryMsMax: 80,
};

/** The same with longer pauses, but for those after a failure. */
export function paced(mix: Mix, factor: number): Mix {
  return {
    ...mix,
    sendPauseMs: mix.sendPauseMs * factor,
    movePauseMs: mix.movePauseMs * factor,
    revisePauseMs: mix.revisePauseMs * factor,
    reactPauseMs: mix.reactPauseMs * factor,
    hookPauseMs: mix.hookPauseMs * factor,
    stopPauseMs: mix.stopPauseMs * factor,
    exportPauseMs: mix.exportPauseMs * factor,
    // A short run deletes fewer, and no later.
    departures: Math.max(1, Math.floor(mix.departures / factor)),
  };
}

export interface Cast {
  owner: Person;
  /** Never leave. */
  members: Person[];
  /** Come and go. */
  guests: Person[];
  /** Is in all chats, says nothing, and goes without coming back. */
  absentee: Person;
  /** Is in no chat. */
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
/** Longer than any outage, on a busy machine too. */
const givenUpMs = 180_000;
const renamePauseMs = 1_500;
const lookAwayPauseMs = 1_200;
const claimPauseMs = 700;
/** Between two connections that are broken while nothing else is wrong. */
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
  let stopping = false;

  async function repeat(pauseMsMax: number, random: Random, act: () => Promise<void>) {
    while (!stopping) {
      await Bun.sleep(random.int(0, pauseMsMax));
      if (!stopping) await act();
    }
  }

  /** One try. @returns what it came to: acknowledged, refused with a code, or unknown */
  async function attempt(send: Send, client: Client, bySocket: boolean) {
    const { chatId, content, clientId, attachmentIds } = send;
    const message = { content, client_id: clientId, attachment_ids: attachmentIds };
    if (bySocket) {
      const frame = { type: "message", chat_id: chatId, ...message };
      const reply = await client.request(frame);
      if (reply?.type !== "ack") return { code: reply?.code ?? "lost" };
      return { ack: { messageId: reply.message_id ?? 0, seq: reply.seq ?? 0 } };
    }
    const path = `/api/chats/${chatId}/messages`;
    const reply = await client.person.api("POST", path, message);
    if (reply?.status !== 200) return { code: reply ? problemCode(reply.body) : "lost" };
    const body = Object(reply.body);
    return { ack: { messageId: Number(body.id), seq: Number(body.seq) } };
  }

  /** Tries until it is acknowledged or refused for good. */
  async function deliver(send: Send, client: Client, random: Random) {
    const begun = performance.now();
    for (let tries = 1; ; tries += 1) {
      const triedAt = performance.now();
      const { ack, code } = await attempt(send, client, random.chance(0.7));
      if (ack) {
        send.acks.push(ack);
        figures.acks += 1;
        return recovery.acknowledged(triedAt);
      }
      if (["lost", "unavailable", "internal"].includes(code)) send.maybeStored = true;
      if (code === "internal") recorded.incidents.push(`internal error for ${send.clientId}`);
      if (!["lost", "unavailable", "internal", "flood", "quota_exceeded"].includes(code)) {
        figures.refused += 1;
        send.refusals.push(code);
        return;
      }
      if (performance.now() - begun > givenUpMs) {
        recorded.incidents.push(`${send.clientId} was given up after ${tries} tries: ${code}`);
        return;
      }
      figures.retries += 1;
      await Bun.sleep(random.int(1, backoffMs(mix.retryMsMax, tries)));
    }
  }

  async function sendOne(client: Client, number: string, random: Random, own: Send[]) {
    const asksBot = random.chance(mix.questions);
    const chatId = random.pick(chatIds);
    const fileId = random.chance(mix.files)
      ? await uploadSome(client.person, chatId, number, random)
      : undefined;
    if (fileId !== undefined) figures.files += 1;
    const send: Send = {
      chatId,
      userId: client.person.id,
      clientId: number,
      content: asksBot
        ? questionFor(number, random.chance(0.2) ? "/image" : "/bot")
        : `${number} ${random.pick(["hi", "🙂", "naïve", "@all"])}`,
      asksBot,
      attachmentIds: fileId === undefined ? [] : [fileId],
      acks: [],
      refusals: [],
      maybeStored: false,
    };
    recorded.sends.push(send);
    own.push(send);
    const twice = random.chance(0.15);
    const deliveries = [deliver(send, client, random.fork(number))];
    if (twice) {
      figures.sentTwice += 1;
      deliveries.push(deliver(send, client, random.fork(`${number} again`)));
    }
    await Promise.all(deliveries);
  }

  function moveOf(guest: Person, chatId: number, random: Random, wasIn: boolean): Promise<boolean> {
    const kind = wasIn ? "participant_removed" : "participant_added";
    recorded.moves.push({ chatId, userId: guest.id, kind, startedAt: performance.now() });
    figures.moves += 1;
    const path = `/api/chats/${chatId}`;
    if (!wasIn) return invite(guest, chatId, path, random);
    const leaves = random.chance(0.3);
    const reply = leaves
      ? guest.certainly("POST", `${path}/leave`)
      : cast.owner.certainly("DELETE", `${path}/participants/${guest.id}`);
    return reply.then((reply) => {
      // A retry finds nobody to remove.
      if (reply?.status !== 200 && reply?.status !== 404) {
        recorded.incidents.push(`a removal was answered with ${JSON.stringify(reply)}`);
      }
      return false;
    });
  }

  async function invite(guest: Person, chatId: number, path: string, random: Random) {
    const host = random.pick([cast.owner, ...cast.members]);
    const body = { username: guest.username };
    const reply = await host.certainly("POST", `${path}/invite`, body);
    if (reply?.status !== 200) {
      recorded.incidents.push(`an invitation was answered with ${JSON.stringify(reply)}`);
    }
    for (const client of clients) if (client.person === guest) client.invited(chatId);
    if (random.chance(0.3)) {
      const role = random.pick(["moderator", "member"]);
      const changed = await cast.owner.certainly("PATCH", `${path}/participants/${guest.id}`, {
        role,
      });
      if (changed?.status !== 200) {
        recorded.incidents.push(`a change of a role was answered with ${JSON.stringify(changed)}`);
      }
    }
    return true;
  }

  async function rename(chatId: number, name: string) {
    recorded.renames.push({ chatId, name });
    const reply = await cast.owner.certainly("PATCH", `/api/chats/${chatId}`, { name });
    if (reply?.status !== 200) {
      recorded.incidents.push(`a new name was answered with ${JSON.stringify(reply)}`);
    }
  }

  /** Stops an answer that somebody takes for running; it may have ended. */
  async function stopOne(random: Random) {
    const client = random.pick(clients);
    const found = [...client.running];
    if (found.length === 0) return;
    const [messageId, chatId] = random.pick(found);
    if (random.chance(0.5)) {
      const reply = await client.request({ type: "stop", chat_id: chatId, message_id: messageId });
      if (reply?.type === "ack") figures.stops += 1;
      else noteStop(messageId, reply?.code ?? "lost");
      return;
    }
    const path = `/api/chats/${chatId}/messages/${messageId}/stop`;
    const reply = await client.person.api("POST", path);
    if (reply?.status !== 200) return noteStop(messageId, reply ? problemCode(reply.body) : "lost");
    figures.stops += 1;
    const { status } = Object(reply.body);
    if (status === "streaming")
      recorded.incidents.push(`answer ${messageId} streams though stopped`);
  }

  function noteStop(messageId: number, code: string) {
    if (["lost", "unavailable", "flood", "answer_ended", "not_found"].includes(code)) return;
    recorded.incidents.push(`a stop of answer ${messageId} was refused: ${code}`);
  }

  function revises(client: Client, own: readonly Send[]): Promise<void> {
    const name = `${client.tape.name} edits`;
    const decisions = random.fork(name);
    let changes = 0;
    const parts = {
      client,
      own,
      all: client.person === cast.owner ? recorded.sends : [],
      revisions: recorded.revisions,
      figures,
      retryMsMax: mix.retryMsMax,
      givenUpMs,
      onIncident: (words: string) => void recorded.incidents.push(words),
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
      figures,
      retryMsMax: mix.retryMsMax,
      givenUpMs,
      onIncident: (words: string) => void recorded.incidents.push(words),
    };
    return repeat(mix.reactPauseMs, decisions, () => reactOnce(parts, decisions));
  }

  const work: Promise<void>[] = [];
  const stops = random.fork("stops");
  work.push(repeat(mix.stopPauseMs, stops, () => stopOne(stops)));
  const flaps = random.fork("flaps");
  work.push(repeat(flapPauseMs, flaps, async () => flaps.pick(clients).cut()));
  for (const client of clients) {
    const claims = random.fork(`${client.tape.name} claims`);
    const claim = async () => void (await client.claim(claims.chance(0.5) ? "away" : "online"));
    work.push(repeat(claimPauseMs, claims, claim));
    const sends: Send[] = [];
    for (let sender = 1; sender <= sendersEach; sender += 1) {
      const name = `${client.tape.name}-${sender}`;
      const own = random.fork(name);
      let sent = 0;
      work.push(
        repeat(mix.sendPauseMs, own, () => sendOne(client, `${name}-${(sent += 1)}`, own, sends)),
      );
    }
    const own = random.fork(`${client.tape.name} looks away`);
    work.push(repeat(lookAwayPauseMs, own, () => client.pause(own.pick(chatIds), own.int(0, 300))));
    work.push(revises(client, sends));
  }
  for (const person of new Set(clients.map((client) => client.person))) work.push(reacts(person));
  for (const person of [cast.owner, ...cast.members]) {
    const own = random.fork(`${person.username} has names`);
    const parts = {
      person,
      profiles: recorded.profiles,
      retryMsMax: mix.retryMsMax,
      givenUpMs,
      onIncident: (words: string) => void recorded.incidents.push(words),
    };
    const change = () => changeName(parts, own, `${person.username} ${own.int(1, 1_000_000)}`);
    work.push(repeat(renamePauseMs, own, change));
  }
  const onIncident = (words: string) => void recorded.incidents.push(words);
  const exports = random.fork("exports");
  const exporting = { archive: others.archive, records: recorded.exports, figures, onIncident };
  work.push(repeat(mix.exportPauseMs, exports, () => exportSomething(exporting, exports)));
  const departing = random.fork("departures");
  const leavers = [...others.leavers];
  work.push(
    repeat(mix.departPauseMs, departing, async () => {
      const leaver = leavers.shift();
      if (!leaver) return;
      await depart(leaver, departing, { retryMsMax: mix.retryMsMax, givenUpMs, onIncident });
      figures.departures += 1;
    }),
  );
  for (const hook of others.hooks) {
    const name = `webhook ${chatIds.indexOf(hook.chatId)}`;
    const own = random.fork(name);
    const { sends } = recorded;
    const { retryMsMax } = mix;
    const person = cast.owner;
    const parts = { hook, person, sends, figures, retryMsMax, givenUpMs, onIncident };
    let posts = 0;
    const post = () => postByHook(parts, own, `${name}-${(posts += 1)}`);
    work.push(repeat(mix.hookPauseMs, own, post));
  }
  for (const chatId of chatIds) {
    for (const guest of cast.guests) {
      const own = random.fork(`${guest.username} moves in ${chatIds.indexOf(chatId)}`);
      let isIn = true;
      work.push(
        repeat(mix.movePauseMs, own, async () => {
          isIn = await moveOf(guest, chatId, own, isIn);
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
