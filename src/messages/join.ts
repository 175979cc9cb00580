// Joining a room without missing a frame: the room keeps what it releases from before the log is read until the listener
// is added, which happens only when the room has released all that was read.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import { findParticipants } from "../chats/participant-queries.ts";
import { findChat } from "../chats/queries.ts";
import type { Ctx } from "../context.ts";
import type { Listener } from "../realtime/listener.ts";
import type { RequestId } from "../wire/client-frames.ts";
import { JoinedFrame, replayBytesMax, replayMax } from "../wire/frames.ts";
import { messageFrame } from "../wire/message-frames.ts";
import { FrameText } from "../wire/frame-text.ts";
import { mergedAnswer } from "../wire/merged-frames.ts";
import { numberedFrame, wholeTextFrame } from "../wire/numbered-frames.ts";
import type { Chat, Participant } from "../wire/chats.ts";
import type { Message } from "../wire/messages.ts";
import type { Read } from "../wire/receipts.ts";
import { findRoomState } from "../log/read-positions.ts";
import { findEnded, findMissed } from "../log/replay.ts";
import type { z } from "zod";

export interface JoinRequest {
  chatId: number;
  /** The number up to which the client has the log; undefined for no replay. */
  afterSeq: number | undefined;
  requestId: RequestId | undefined;
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
    let log = await readLog(ctx, caller, request);
    while (log.lastSeq < entrance.keptFrom) log = await readLog(ctx, caller, request);
    joined = await entrance.finish(log.lastSeq, ({ position, missed, ended, online }) => {
      const replay = log.messages?.map((message) =>
        textFor(listener, numberedFrame(messageFrame(message))),
      );
      const recovered =
        replay !== undefined && missed !== undefined && isSmall([...replay, ...missed]);
      if (recovered) for (const text of replay) listener.send(text);
      const frame: z.infer<typeof JoinedFrame> = {
        type: "joined",
        chat_id: chatId,
        last_seq: recovered ? log.lastSeq : position,
        recovered,
        online,
        reads: log.reads,
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

interface LogSoFar {
  lastSeq: number;
  /** The messages to replay; undefined if they are too many, or the client's number is unknown. */
  messages: Message[] | undefined;
  reads: Read[];
  changes: { chat: Chat; participants: Participant[] } | undefined;
  /** Answers that have ended in the log while they still count as running on this node. */
  ended: Set<number>;
}

async function readLog(ctx: Ctx, caller: Caller, request: JoinRequest): Promise<LogSoFar> {
  const { chatId, afterSeq } = request;
  if (afterSeq === undefined) {
    const state = await findRoomState(ctx.sql, caller.id, chatId);
    if (!state) throw chatNotFound();
    const ended = await readEnded(ctx, chatId, state.lastSeq);
    return { ...state, messages: [], changes: undefined, ended };
  }
  const missed = await findMissed(ctx.sql, caller.id, chatId, {
    afterSeq,
    limit: replayMax + 1,
    bytesMax: replayBytesMax,
  });
  if (!missed) throw chatNotFound();
  // A number above the end of the log comes from another database, or was made up.
  const known = afterSeq <= missed.lastSeq;
  return {
    lastSeq: missed.lastSeq,
    reads: missed.reads,
    messages: known && missed.messages.length <= replayMax ? missed.messages : undefined,
    changes: missed.chatUpdatedSeq > afterSeq ? await readChanges(ctx, caller, chatId) : undefined,
    ended: await readEnded(ctx, chatId, missed.lastSeq),
  };
}

/** The reply to the statement that ends an answer can be late or lost, and another server may have taken the answer over. */
async function readEnded(ctx: Ctx, chatId: number, lastSeq: number): Promise<Set<number>> {
  const running = ctx.answers.inChat(chatId, lastSeq);
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
function isSmall(texts: string[]): boolean {
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0) <= replayBytesMax;
}

function sendRunningAnswers(
  ctx: Ctx,
  chatId: number,
  listener: Listener,
  hasEnded: (messageId: number) => boolean,
): void {
  const position = ctx.realtime.rooms.position(chatId) ?? 0;
  for (const answer of ctx.answers.inChat(chatId, position)) {
    const { messageId, text, createdAt } = answer;
    if (hasEnded(messageId)) continue;
    const frame = new FrameText(wholeTextFrame(chatId, messageId, text), () =>
      mergedAnswer({ id: messageId, chatId, createdAt, text }),
    );
    listener.send(textFor(listener, frame));
  }
}
