import { identify, listSessionChats } from "../accounts/authentication.ts";
import { stopAnswer } from "../answers/stop.ts";
import type { Ctx } from "../context.ts";
import { joinRoom } from "../messages/join.ts";
import { sendMessage } from "../messages/send.ts";
import type { TypingNotices } from "../messages/typing.ts";
import type { ClientFrame, RequestId } from "../wire/client-frames.ts";
import type { AckFrame, PongFrame } from "../wire/frames.ts";
import { Problem } from "../wire/problems.ts";
import type { SocketRegistry } from "./registry.ts";
import type { SocketSession } from "./session.ts";
import type { z } from "zod";

type Reply = z.infer<typeof AckFrame> | z.infer<typeof PongFrame> | undefined;

interface DispatchParts {
  ctx: Ctx;
  sockets: SocketRegistry;
  typing: TypingNotices;
}

/**
 * Runs one frame. @returns the reply it asked for, if any
 * @throws Problem for everything that is refused
 */
export async function dispatch(
  { ctx, sockets, typing }: DispatchParts,
  session: SocketSession,
  frame: ClientFrame,
): Promise<Reply> {
  const requestId = frame.request_id ?? undefined;
  switch (frame.type) {
    case "auth": {
      const identity = await identify(ctx, frame.token);
      await listSessionChats(ctx, identity);
      if (identity.id !== session.userId) {
        throw new Problem(
          "invalid_token",
          "The token is of somebody else. Open another socket for them.",
        );
      }
      session.caller = { ...session.caller, ...identity };
      return ack(requestId);
    }
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
      const { refusal } = await ctx.rateLimits.take("sends", session);
      if (refusal) throw refusal;
      const message = await sendMessage(ctx, session.caller, frame.chat_id, frame);
      return ack(requestId, { message_id: message.id, seq: message.seq });
    }
    case "typing":
      await typing.show(session, frame.chat_id);
      return ack(requestId);
    case "leave":
      leave(ctx, sockets, session, frame.chat_id);
      return ack(requestId);
    case "stop":
      await stopAnswer(ctx, session.caller, frame.chat_id, frame.message_id);
      return ack(requestId);
    case "ping":
      return { type: "pong", ...(requestId === undefined ? {} : { request_id: requestId }) };
  }
}

function leave(ctx: Ctx, sockets: SocketRegistry, session: SocketSession, chatId: number): void {
  const { rooms } = ctx.realtime;
  if (!session.isMerged) return rooms.leave(chatId, session);
  session.leaveLater(chatId, sockets.leaveDelayMs, () => rooms.leave(chatId, session));
}

function ack(
  requestId: RequestId | undefined,
  more: { message_id?: number; seq?: number } = {},
): Reply {
  return requestId === undefined ? undefined : { type: "ack", request_id: requestId, ...more };
}
