// Plays back what each client saw, and holds every frame against the log as it was stored: guarantees 1, 4 and 5, and
// the shape of streamed answers. It knows nothing of the client that made the tape.
import { createLog, type Log } from "./log.ts";
import { reactedWith } from "./check-reactions.ts";
import { checkReplies } from "./replies.ts";
import type { Frame, History, Report, Tape, TapeEvent, View, Violation } from "./history.ts";

/** A chat that a socket hears. */
interface Room {
  position: number;
  /** The text of each answer that is streaming, as far as it was seen without a hole. */
  texts: Map<number, string>;
  /** The person has seen their own removal. */
  removed: boolean;
}

interface Joining {
  requestId: string | undefined;
  afterSeq: number;
  replayed: Frame[];
}

export interface ChatState {
  log: Log;
  room: Room | undefined;
  joining: Joining | undefined;
  leaving: string | undefined;
  /** The number up to which the client has everything. */
  have: number;
  /** The messages as a client shows them. */
  view: Map<number, View>;
  ended: Set<number>;
}

const passing = new Set(["typing", "user_joined", "user_left", "presence_changed"]);
/** Frames about a chat that need no join. */
const aside = new Set(["chat_activity", "mention", "report", "removed_from_chat", "chat_changed"]);
/** Frames that name no chat by its id. */
const outside = new Set(["pong", "chat_created", "chat_invite", "user_updated", "presence"]);
const durable = new Set([
  "message",
  "message_updated",
  "reaction",
  "participant_added",
  "participant_removed",
  "participant_updated",
  "chat_updated",
]);

export function checkTapes(history: History): Violation[] {
  const logs = new Map(history.chats.map((chat) => [chat.id, createLog(history, chat)]));
  return history.tapes.flatMap((tape) => checkTape(tape, logs));
}

function checkTape(tape: Tape, logs: Map<number, Log>): Violation[] {
  const found: Violation[] = [];
  const report: Report = (rule, detail) =>
    found.push({ rule, detail: `${detail} (seen by ${tape.name})` });
  const chats = new Map<number, ChatState>();
  for (const [chatId, log] of logs) {
    chats.set(chatId, {
      log,
      room: undefined,
      joining: undefined,
      leaving: undefined,
      have: 0,
      view: new Map(),
      ended: new Set(),
    });
  }
  checkReplies(tape, report);
  for (const event of tape.events) playEvent(tape, event, chats, report);
  for (const [chatId, state] of chats) checkEnd(tape, chatId, state, report);
  return found;
}

function playEvent(tape: Tape, event: TapeEvent, chats: Map<number, ChatState>, report: Report) {
  if (!("frame" in event)) {
    for (const state of chats.values()) {
      state.room = state.joining = state.leaving = undefined;
    }
    return;
  }
  const { frame } = event;
  const state = frame.chat_id === undefined ? undefined : chats.get(frame.chat_id);
  if (event.kind === "out") {
    if (!state) return;
    if (frame.type === "leave") state.leaving = frame.request_id;
    if (frame.type !== "join") return;
    if (state.room?.removed) state.room = undefined;
    const { request_id: requestId, after_seq: afterSeq = 0 } = frame;
    state.joining = { requestId, afterSeq, replayed: [] };
    return;
  }
  if (frame.type === "error" || frame.type === "ack") {
    if (frame.code === "internal") report("internal error", frame.detail ?? "");
    for (const chat of chats.values()) {
      if (frame.request_id === undefined) continue;
      if (chat.joining?.requestId === frame.request_id) chat.joining = undefined;
      if (chat.leaving !== frame.request_id) continue;
      chat.leaving = undefined;
      // A client whose leave is refused, by a server that is shutting down, has not left.
      if (frame.type === "ack") chat.room = undefined;
    }
    return;
  }
  if (state) playFrame(tape, event.at, frame, state, report);
  // An answer of an earlier block may end in this one.
  else if (!outside.has(frame.type) && !aside.has(frame.type)) {
    report("unknown frame", JSON.stringify(frame));
  }
}

function playFrame(tape: Tape, at: number, frame: Frame, state: ChatState, report: Report) {
  const name = `${frame.type} in chat ${frame.chat_id}`;
  if (frame.type === "chat_activity" || frame.type === "mention") {
    const { seq = 0 } = frame;
    if (!state.log.mayHear(tape.userId, seq, at)) {
      report("told to who was removed", `${name} ${seq}`);
    }
    const { room, joining, leaving } = state;
    if (!room || room.removed) return;
    if (frame.type === "chat_activity") report("activity of a joined chat", `${name} ${seq}`);
    // While a join is repeated, the frames of the room wait for its end. A socket that leaves is not joined any more before it is
    // told so, and a mention that has waited for the room to catch up is sent to it at once.
    else if (!joining && !leaving && seq > room.position)
      report("mention before its message", `${name} ${seq}`);
    return;
  }
  if (frame.type === "joined") return playJoined(tape, at, frame, state, report);
  const streams = frame.type === "bot_stream";
  if (aside.has(frame.type)) return;
  if (!streams && !durable.has(frame.type) && !passing.has(frame.type)) {
    return report("unknown frame", JSON.stringify(frame));
  }
  const { room } = state;
  if (!room) {
    if (state.joining && frame.type === "message") return playReplayed(frame, state, report);
    return report("frame outside of a join", `${name} ${numberOf(frame) ?? ""}`);
  }
  const number = numberOf(frame);
  if (number === undefined) {
    if (room.removed && !state.log.mayHear(tape.userId, room.position + 1, at)) {
      report("told to who was removed", `${name} after ${room.position}`);
    }
    if (streams) playChunk(frame, room, state, report);
    return;
  }
  if (!state.log.mayHear(tape.userId, number, at)) {
    report("told to who was removed", `${name} ${number}`);
  }
  if (number !== room.position + 1) {
    const rule = number > room.position ? "number left out live" : "number seen twice";
    report(rule, `${name}: ${number} after ${room.position}`);
  }
  room.position = number;
  state.have = Math.max(state.have, number);
  const fault = state.log.faultOf(number, frame);
  if (fault) report("frame other than the log", `${name} ${number}: ${fault}`);
  if (frame.type === "message" || frame.type === "message_updated") show(frame, state);
  if (frame.type === "reaction") showReaction(frame, state);
  if (streams) playDurableStream(frame, room, state, report);
  if (frame.type === "participant_removed" && frame.user_id === tape.userId) room.removed = true;
}

function numberOf(frame: Frame): number | undefined {
  return frame.updated_seq ?? frame.seq;
}

function playReplayed(frame: Frame, state: ChatState, report: Report) {
  const { joining } = state;
  const number = frame.updated_seq ?? 0;
  const last = joining?.replayed.at(-1)?.updated_seq ?? joining?.afterSeq ?? 0;
  if (number <= last) {
    report("replayed out of order", `chat ${frame.chat_id}: ${number} after ${last}`);
  }
  const fault = state.log.faultOfReplayed(frame);
  if (fault) report("replayed other than the log", `message ${frame.message_id}: ${fault}`);
  joining?.replayed.push(frame);
  show(frame, state);
}

function playJoined(tape: Tape, at: number, frame: Frame, state: ChatState, report: Report) {
  const { joining } = state;
  const { last_seq: lastSeq = 0, recovered = false, chat_id: chatId } = frame;
  if (!joining || joining.requestId !== frame.request_id) {
    return report("joined unasked", `chat ${chatId}`);
  }
  const { afterSeq, replayed } = joining;
  const name = `chat ${chatId} after ${afterSeq} up to ${lastSeq}`;
  if (!state.log.mayHear(tape.userId, lastSeq, at)) report("joined by who was removed", name);
  if (lastSeq < afterSeq) report("joined behind what was seen", name);
  const missed = state.log.missed(afterSeq, lastSeq);
  if (recovered) {
    const ids = new Set(replayed.map(({ message_id }) => message_id));
    const lost = [...missed].filter((id) => !ids.has(id));
    const needless = replayed.filter(({ message_id }) => !missed.has(message_id ?? 0));
    if (lost.length > 0) report("replay left messages out", `${name}: ${lost.join(", ")}`);
    if (needless.length > 0) report("replay sent messages again", `${name}: ${needless.length}`);
  } else if (missed.size <= 1_000 || replayed.length > 0) {
    report("not recovered for no reason", `${name}: ${missed.size} messages`);
  }
  if (state.log.chatChanged(afterSeq, lastSeq) && !(frame.chat && frame.participants)) {
    report("joined without the chat's changes", name);
  }
  state.joining = undefined;
  state.have = Math.max(state.have, lastSeq);
  state.room = { position: lastSeq, texts: new Map(), removed: false };
}

function show(frame: Frame, state: ChatState) {
  state.view.set(frame.message_id ?? 0, {
    seq: frame.seq ?? 0,
    updatedSeq: frame.updated_seq ?? 0,
    content: frame.content ?? "",
    status: frame.status ?? "",
    clientId: frame.client_id ?? null,
    reactions: frame.reactions ?? [],
  });
}

function showReaction(frame: Frame, { view }: ChatState) {
  const { message_id: id = 0, emoji = "", user_id: userId, on = false, count = 0 } = frame;
  const shown = view.get(id);
  if (!shown) return;
  shown.updatedSeq = frame.updated_seq ?? 0;
  shown.reactions = reactedWith(shown.reactions, { emoji, userId: userId ?? 0, on, count });
}

function playDurableStream(frame: Frame, room: Room, state: ChatState, report: Report) {
  const { message_id: id = 0, seq, updated_seq: updatedSeq = 0 } = frame;
  if (!frame.is_complete) {
    room.texts.set(id, "");
    const started = {
      seq: seq ?? 0,
      updatedSeq: seq ?? 0,
      content: "",
      clientId: null,
      reactions: [],
    };
    state.view.set(id, { ...started, status: "streaming" });
    return;
  }
  if (state.ended.has(id)) report("answer ended twice", `message ${id}`);
  state.ended.add(id);
  const text = room.texts.get(id);
  // An end that is read from the log has no text if the answer was deleted since.
  const isDeleted = frame.full_response === "" && state.log.isDeleted(id);
  if (text !== undefined && text !== frame.full_response && !isDeleted) {
    report("chunks are not the answer", `message ${id}: ${text} ≠ ${frame.full_response}`);
  }
  const shown = state.view.get(id);
  if (!shown) return report("answer ended without a start", `message ${id}`);
  Object.assign(shown, { updatedSeq, content: frame.full_response, status: frame.status });
}

function playChunk(frame: Frame, room: Room, state: ChatState, report: Report) {
  const { message_id: id = 0, chunk = "", offset = -1 } = frame;
  const isOver = state.ended.has(id) || (state.view.get(id)?.status ?? "streaming") !== "streaming";
  if (isOver) report("chunk after the end", `message ${id}`);
  const text = room.texts.get(id) ?? "";
  // All of it once more: its last frame comes from the log, which does not know what was shown.
  // If a server was frozen for longer than its lease, text that it broadcast but did not store is replaced.
  const isWhole = chunk.startsWith(text) || (chunk === "" && state.log.isDeleted(id));
  if (offset === 0 && (isWhole || state.log.servers > 1)) {
    room.texts.set(id, chunk);
    return;
  }
  if (offset !== text.length) {
    report("chunk out of place", `message ${id}: ${offset} after ${text.length}`);
  }
  room.texts.set(id, text + chunk);
}

/** A socket that hears a room at the end has heard all of it, and its client shows what a fresh load would. */
function checkEnd(tape: Tape, chatId: number, state: ChatState, report: Report) {
  const { log, have, view } = state;
  if (!log.isParticipant(tape.userId)) return;
  if (have < log.lastSeq) report("not caught up", `chat ${chatId}: ${have} of ${log.lastSeq}`);
  const fault = log.faultOfView(view);
  if (fault) report("shows other than a fresh load", `chat ${chatId}: ${fault}`);
}
