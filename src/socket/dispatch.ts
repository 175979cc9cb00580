import type { Grant } from "../accounts/access-tokens.ts";
import { identify, listSessionChats } from "../accounts/authentication.ts";
import { checkChat, checkScope } from "../accounts/grants.ts";
import { stopAnswer } from "../answers/stop.ts";
import type { Ctx } from "../context.ts";
import { deleteMessage } from "../messages/delete.ts";
import { editMessage } from "../messages/edit.ts";
import { react } from "../reactions/actions.ts";
import type { StoreReaction } from "../reactions/commit.ts";
import { joinRoom } from "../messages/join.ts";
import { sendMessage } from "../messages/send.ts";
import type { TypingNotices } from "../messages/typing.ts";
import type { Presence } from "../presence/presence.ts";
import { markRead } from "../receipts/actions.ts";
import type { RateName } from "../rate-limits/limits.ts";
import type { ReadNotices } from "../receipts/notices.ts";
import type { ClientFrame, RequestId } from "../wire/client-frames.ts";
import type { AckFrame, PongFrame } from "../wire/frames.ts";
import type { Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { clientFrameScopes } from "../wire/scopes.ts";
import type { SocketRegistry } from "./registry.ts";
import type { SocketSession } from "./session.ts";
import type { z } from "zod";

type Reply = z.infer<typeof AckFrame> | z.infer<typeof PongFrame> | undefined;

/** Frames that clients send whether or not anybody is there. */
const automatic = new Set<ClientFrame["type"]>(["auth", "ping"]);

interface DispatchParts {
  ctx: Ctx;
  sockets: SocketRegistry;
  typing: TypingNotices;
  presence: Presence;
  storeReaction: StoreReaction;
  receipts: ReadNotices;
}

/**
 * Runs one frame. @returns the reply it asked for, if any
 * @throws Problem for everything that is refused
 */
export async function dispatch(
  { ctx, sockets, typing, presence, storeReaction, receipts }: DispatchParts,
  session: SocketSession,
  frame: ClientFrame,
): Promise<Reply> {
  const requestId = frame.request_id ?? undefined;
  checkFrame(session.identity.grant, frame);
  if (!automatic.has(frame.type)) presence.people.active(session);
  switch (frame.type) {
    case "auth":
      await renewToken(ctx, session, frame.token);
      return ack(requestId);
    case "join":
      session.stay(frame.chat_id);
      await joinRoom(ctx, session.caller, session, {
        chatId: frame.chat_id,
        afterSeq: frame.after_seq ?? undefined,
        requestId,
        signedIn: session.opening,
      });
      return undefined;
    case "message": {
      await limit(ctx, session, "sends");
      const message = await sendMessage(ctx, session.caller, frame.chat_id, frame);
      return ack(requestId, { message_id: message.id, seq: message.seq });
    }
    case "edit": {
      await limit(ctx, session, "edits");
      const ids = { chatId: frame.chat_id, messageId: frame.message_id };
      return ackChange(requestId, await editMessage(ctx, session.caller, ids, frame));
    }
    case "delete": {
      await limit(ctx, session, "edits");
      const ids = { chatId: frame.chat_id, messageId: frame.message_id };
      return ackChange(requestId, await deleteMessage(ctx, session.caller, ids));
    }
    case "typing":
      await typing.show(session, frame.chat_id);
      return ack(requestId);
    case "read": {
      await limit(ctx, session, "reads");
      const { chat_id: chatId, seq } = frame;
      const position = await markRead(ctx, receipts, session.caller, {
        chatId,
        seq: seq ?? undefined,
      });
      return ack(requestId, { seq: position });
    }
    case "leave":
      leave(ctx, sockets, session, frame.chat_id);
      return ack(requestId);
    case "stop":
      await stopAnswer(ctx, session.caller, frame.chat_id, frame.message_id);
      return ack(requestId);
    case "presence": {
      await limit(ctx, session, "presence");
      presence.people.claim(session, frame.status);
      return ack(requestId);
    }
    case "watch_presence": {
      await limit(ctx, session, "presenceWatches", Math.max(1, frame.user_ids.length));
      await presence.watches.watch(session, frame.user_ids);
      return ack(requestId);
    }
    case "react": {
      await limit(ctx, session, "reactions");
      const { chat_id: chatId, message_id: messageId, emoji, on } = frame;
      await react(ctx, storeReaction, session.caller, { chatId, messageId, emoji, on });
      return ack(requestId);
    }
    case "ping":
      return { type: "pong", ...(requestId === undefined ? {} : { request_id: requestId }) };
    default:
      return frame satisfies never;
  }
}

/** Counts a frame, or several at once. @throws Problem `rate_limited` if there were too many */
async function limit(
  ctx: Ctx,
  session: SocketSession,
  name: RateName,
  points?: number,
): Promise<void> {
  const { refusal } = await ctx.rateLimits.take(name, session, points);
  if (refusal) throw refusal;
}

/** Lets a session go on with a newer access token. @throws Problem `invalid_token` if it does not belong to its person */
async function renewToken(ctx: Ctx, session: SocketSession, token: string): Promise<void> {
  const identity = await identify(ctx, token, session.caller.source);
  await listSessionChats(ctx, identity);
  if (identity.grant?.keyId !== session.identity.grant?.keyId) {
    throw new Problem(
      "invalid_token",
      "A socket keeps its access key. Open another socket for another key, or for a session.",
    );
  }
  if (identity.id !== session.userId) {
    throw new Problem(
      "invalid_token",
      "The token is of somebody else. Open another socket for them.",
    );
  }
  session.identity = identity;
}

/** @throws Problem `insufficient_scope`, `not_found` for a chat that the key may not be used in */
function checkFrame(grant: Grant | undefined, frame: ClientFrame): void {
  const scope = clientFrameScopes[frame.type];
  if (scope !== null) checkScope(grant, scope);
  if ("chat_id" in frame) checkChat(grant, frame.chat_id);
}

function leave(ctx: Ctx, sockets: SocketRegistry, session: SocketSession, chatId: number): void {
  const { rooms } = ctx.realtime;
  if (!session.isMerged) return rooms.leave(chatId, session);
  session.leaveLater(chatId, sockets.leaveDelayMs, () => rooms.leave(chatId, session));
}

function ackChange(requestId: RequestId | undefined, { id, seq, updated_seq }: Message): Reply {
  return ack(requestId, { message_id: id, seq, updated_seq });
}

function ack(
  requestId: RequestId | undefined,
  more: { message_id?: number; seq?: number; updated_seq?: number } = {},
): Reply {
  return requestId === undefined ? undefined : { type: "ack", request_id: requestId, ...more };
}
