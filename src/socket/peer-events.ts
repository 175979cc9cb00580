// The reactions to events that another server tells this one of: it looks into the database, as it does from time to time anyway.
import type { Logger } from "pino";
import type { PeopleChanges } from "../accounts/people-changes.ts";
import { checkSessions } from "../accounts/session-check.ts";
import { readVisibility } from "../accounts/visibility.ts";
import type { Ctx } from "../context.ts";
import { findLastSeqs } from "../log/replay.ts";
import type { TypingNotices } from "../messages/typing.ts";
import type { Presence } from "../presence/presence.ts";
import { soon } from "../schedule.ts";
import type { PeerHandlers } from "../realtime/bus-receiver.ts";
import type { Peers } from "../realtime/peers.ts";
import type { ReadNotices } from "../receipts/notices.ts";
import type { SocketRegistry } from "./registry.ts";

/** Others may change so often that to look each time would cost too much. */
const lookMs = 200;

export interface PeerParts {
  ctx: Ctx;
  presence: Presence;
  peopleChanges: PeopleChanges;
  receipts: ReadNotices;
  typing: TypingNotices;
  sockets: SocketRegistry;
  peers: Peers | undefined;
}

/** @param parts are made later than the handlers */
export function createPeerHandlers(log: Logger, parts: () => PeerParts): PeerHandlers {
  const logged = (what: string, work: Promise<unknown>) => {
    work.catch((error: unknown) => {
      log.warn({ err: error }, `${what}; it will be looked for again`);
    });
  };
  const unlessClosing = (look: () => Promise<void>) => async () => {
    if (!parts().ctx.lifecycle.closing) await look();
  };
  const looks = {
    presence: soon(
      lookMs,
      "presence",
      log,
      unlessClosing(() => parts().presence.watches.poll()),
    ),
    people: soon(
      lookMs,
      "changed people",
      log,
      unlessClosing(() => parts().peopleChanges.poll()),
    ),
  };
  return {
    isTypingDue: (chatId, userId, server) => parts().typing.isDue(chatId, userId, server),
    lookAt: (what) => looks[what](),
    visibilityChanged(userId) {
      const { ctx } = parts();
      if (ctx.gateway.listenersOf(userId).length === 0) return;
      logged("a person's setting could not be read", readVisibility(ctx, userId));
    },
    readMoved(chatId, userId) {
      parts().receipts.note(chatId, userId);
    },
    chatEnded(chatId) {
      logged(
        "a chat that was perhaps deleted could not be read",
        endIfDeleted(parts().ctx, chatId),
      );
    },
    sessionsEnded(ids) {
      const { ctx, sockets } = parts();
      for (const id of ids) ctx.sessionCache.forgetLive(id);
      const here = new Set(ids).intersection(new Set(sockets.sessionIds()));
      if (here.size === 0) return;
      logged("sessions that have perhaps ended could not be read", checkSessions(ctx, [...here]));
    },
    stopRequested(messageId) {
      parts().ctx.answers.find(messageId)?.checkStop();
    },
    textsWanted(chatId, server) {
      const { ctx, peers } = parts();
      peers?.sendTexts(chatId, server, ctx.answers.inChat(chatId, Infinity));
    },
  };
}

async function endIfDeleted({ sql, answers, realtime }: Ctx, chatId: number): Promise<void> {
  const [found] = await findLastSeqs(sql, [chatId]);
  if (found) return;
  answers.abandonChat(chatId);
  realtime.rooms.end(chatId);
}
