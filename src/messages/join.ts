// Joining a room without missing a frame: the room keeps what it releases from before the log is read until the listener
// is added, which happens only when the room has released all that was read.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import { findParticipants } from "../chats/participant-queries.ts";
import { findChat } from "../chats/queries.ts";
import type { Ctx } from "../context.ts";
import type { Listener } from "../realtime/listener.ts";
import type { RequestId } from "../wire/client-frames.ts";
import { MessageFrame, replayBytesMax, type JoinedFrame } from "../wire/frames.ts";
import { FrameText } from "../wire/frame-text.ts";
import { mergedAnswer } from "../wire/merged-frames.ts";
import { numberedFrame, wholeTextFrame } from "../wire/numbered-frames.ts";
import type { Chat, Participant } from "../wire/chats.ts";
import type { Read } from "../wire/receipts.ts";
import { findEnded } from "../log/replay.ts";
import type { z } from "zod";

export interface JoinRequest {
  chatId: number;
  /** The number up to which the client has the log; undefined for no replay. */
  afterSeq: number | undefined;
  requestId: RequestId | undefined;
  /** Settles when the session of the listener has been looked up, which closes the listener if it has ended. */
  signedIn?: Promise<void> | undefined;
}

/**
 * Sends the missed messages as `message` frames, then `joined`, then the live frames. A client that has missed more than
 * `replayMax` messages or `replayBytesMax` bytes gets only `joined` with `recovered: false` first.
 * @throws Problem `not_found`; the listener has then not joined, and has left the room if it had joined before
 */
export async function joinRoom(
  ctx: Ctx,
  caller: Caller,
  listener: Listener,
  request: JoinRequest,
): Promise<void> {
  const { chatId } = request;
  if (listener.isMerged && request.afterSeq === undefined) {
    if (greetAgain(ctx, listener, request)) return;
  }
  const entrance = ctx.realtime.rooms.enter(chatId, listener);
  let joined = false;
  try {
    // Frames that other servers send after this reading must arrive.
    if (entrance.subscribed) await entrance.subscribed;
    let log = await readLog(ctx, caller, request);
    await request.signedIn;
    // Nothing is waited for between the last of these checks and `finish`: another join may open the room meanwhile.
    while (log.lastSeq < entrance.keptFrom) log = await readLog(ctx, caller, request);
    joined = await entrance.finish(log, ({ position, missed, ended, online, onlineCount }) => {
      const replay = listener.isMerged ? log.frames?.map(withNested) : log.frames;
      const recovered = replay !== undefined && missed !== undefined && isSmall(replay, missed);
      if (recovered) for (const text of replay) listener.send(text);
      const frame: z.infer<typeof JoinedFrame> = {
        type: "joined",
        chat_id: chatId,
        last_seq: recovered ? log.lastSeq : position,
        recovered,
        online,
        online_count: onlineCount,
        reads: log.reads,
        ...(recovered && { superseded: log.superseded }),
        ...(log.changes ?? {}),
        ...(request.requestId === undefined ? {} : { request_id: request.requestId }),
      };
      listener.send(JSON.stringify(frame));
      if (recovered) for (const text of missed) listener.send(text);
      const hasEnded = (id: number) => log.ended.has(id) || ended.has(id);
      sendRunningAnswers(ctx, chatId, listener, hasEnded);
    });
  } catch (error) {
    entrance.cancel();
    throw error;
  }
  if (!joined) throw chatNotFound();
}

/**
 * Answers a `join` of a socket that has joined already, as the web client of the FastAPI server does each time that its
 * list of chats changes. The subscription goes on, so that nothing is missed, and no log is read.
 * @returns false if it has not joined
 */
function greetAgain(ctx: Ctx, listener: Listener, { chatId, requestId }: JoinRequest): boolean {
  const state = ctx.realtime.rooms.rejoined(chatId, listener);
  if (!state) return false;
  const frame: z.infer<typeof JoinedFrame> = {
    type: "joined",
    chat_id: chatId,
    last_seq: state.position,
    recovered: true,
    online: state.online,
    online_count: state.onlineCount,
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
  listener.cork(() => {
    listener.send(JSON.stringify(frame));
    sendRunningAnswers(ctx, chatId, listener, () => false);
  });
  return true;
}

const textFor = (listener: Listener, frame: FrameText) =>
  listener.isMerged ? frame.merged : frame.text;

/** A replayed frame for a merged socket. */
function withNested(text: string): string {
  return numberedFrame(MessageFrame.parse(JSON.parse(text))).merged;
}

interface LogSoFar {
  lastSeq: number;
  memberCount: number;
  /** The frames to replay; undefined if they are too many, or the client's number is unknown. */
  frames: string[] | undefined;
  reads: Read[];
  superseded: number | undefined;
  changes: { chat: Chat; participants: Participant[] } | undefined;
  /** Answers that have ended in the log while they still count as running on this node. */
  ended: Set<number>;
}

async function readLog(ctx: Ctx, caller: Caller, request: JoinRequest): Promise<LogSoFar> {
  const { chatId, afterSeq } = request;
  const read = await ctx.grouped.readJoin({ userId: caller.id, chatId, afterSeq });
  if (!read) throw chatNotFound();
  const { lastSeq, updatedSeq, memberCount, frames, reads, superseded } = read;
  const hasChanged = afterSeq !== undefined && updatedSeq > afterSeq;
  return {
    lastSeq,
    memberCount,
    reads,
    superseded,
    // A number above the end of the log comes from another database, or was made up.
    frames: afterSeq === undefined || afterSeq <= lastSeq ? frames : undefined,
    changes: hasChanged ? await readChanges(ctx, caller, chatId) : undefined,
    ended: await readEnded(ctx, chatId, lastSeq),
  };
}

/** The reply to the statement that ends an answer can be late or lost, and another server may have taken the answer over. */
async function readEnded(ctx: Ctx, chatId: number, lastSeq: number): Promise<Set<number>> {
  const running = runningAnswers(ctx, chatId, lastSeq);
  if (running.length === 0) return new Set();
  const ids = running.map(({ messageId }) => messageId);
  const ended = await findEnded(ctx.sql, ids, lastSeq);
  for (const id of ended) ctx.answers.noteEnded(id);
  return new Set(ended);
}

async function readChanges(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
): Promise<{ chat: Chat; participants: Participant[] }> {
  const [chat, participants] = await Promise.all([
    findChat(ctx.sql, caller.id, chatId),
    findParticipants(ctx.sql, caller.id, chatId),
  ]);
  if (!chat || !participants) throw chatNotFound();
  return { chat, participants };
}

/** A larger replay would fill the socket's buffer and close it as a slow reader, at every attempt. */
function isSmall(...texts: string[][]): boolean {
  let bytes = 0;
  for (const list of texts) for (const text of list) bytes += Buffer.byteLength(text);
  return bytes <= replayBytesMax;
}

/** The answers that run on this server or on another one, oldest first. */
function runningAnswers(ctx: Ctx, chatId: number, position: number) {
  const here = ctx.answers.inChat(chatId, position);
  const elsewhere = ctx.realtime.answersElsewhere(chatId, position);
  if (elsewhere.length === 0) return here;
  return [...here, ...elsewhere].sort((a, b) => a.seq - b.seq);
}

function sendRunningAnswers(
  ctx: Ctx,
  chatId: number,
  listener: Listener,
  hasEnded: (messageId: number) => boolean,
): void {
  const position = ctx.realtime.rooms.position(chatId) ?? 0;
  for (const answer of runningAnswers(ctx, chatId, position)) {
    const { messageId, text, createdAt } = answer;
    if (hasEnded(messageId)) continue;
    const frame = new FrameText(wholeTextFrame(chatId, messageId, text), () =>
      mergedAnswer({ id: messageId, chatId, createdAt, text }),
    );
    listener.send(textFor(listener, frame));
  }
}
