// The queries of people: names, profiles, presence, and sessions.
import {
  findLiveSessions,
  deleteExpired,
  isSessionLive,
  rotateRefreshToken,
} from "../../../src/accounts/queries.ts";
import { readArrivals, takeTicket } from "../../../src/accounts/socket-queries.ts";
import { findSessions } from "../../../src/accounts/session-queries.ts";
import {
  areTogether,
  findChanges,
  findPresence,
  writePresence,
} from "../../../src/presence/queries.ts";
import { findProfile, findPeople } from "../../../src/accounts/people-queries.ts";
import { findBlocks } from "../../../src/accounts/block-queries.ts";
import {
  findChangedPeople,
  findSeenProfiles,
} from "../../../src/accounts/people-change-queries.ts";
import { findUsersByName, findUserWithPassword } from "../../../src/accounts/user-queries.ts";
import { blockedPeople, blocker, me, myChats, session } from "../../world/filled.ts";
import { source, type PlanCase } from "./plan-case.ts";

const rotation = {
  id: session,
  oldHash: Buffer.from("x"),
  newHash: Buffer.from("x"),
  ttlSeconds: 60,
  source,
};

/** People of the busy chat. */
const watchedIds = Array.from({ length: 40 }, (_, n) => 41 + 40 * n);

const sought = { callerId: me, limit: 10 };

export const peoplePlans: PlanCase[] = [
  {
    what: "somebody who signs in",
    run: (sql) => findUserWithPassword(sql, "USER77"),
    rows: { users: 1 },
    by: ["users_username_key"],
  },
  {
    what: "people by name",
    run: (sql) => findUsersByName(sql, ["User7", "user8", "nobody"]),
    rows: { users: 3 },
    by: ["users_username_key"],
  },
  {
    what: "people by the beginning of their name",
    run: (sql) => findPeople(sql, { ...sought, usernamePart: "user123", namePart: "user123" }),
    // It looks for parts, too, until there are ten.
    rows: { users: 700, display_name_parts: 0, user_blocks: 100 },
    by: ["users_username_order_idx", "display_name_parts_part_idx"],
  },
  {
    what: "people by the beginning of a word of their display name",
    run: (sql) => findPeople(sql, { ...sought, usernamePart: undefined, namePart: "muller 77" }),
    // Each of them is read for the condition, and for the result.
    rows: { users: 70, display_name_parts: 50, user_blocks: 50 },
    by: ["display_name_parts_part_idx"],
  },
  {
    what: "a person's profile",
    run: (sql) => findProfile(sql, me, 77),
    rows: { users: 1, user_blocks: 0 },
    by: ["users_pkey"],
  },
  {
    what: "people whose profiles or blocks have changed",
    run: (sql) => findChangedPeople(sql, "1000000000000:1000000000000:"),
    rows: { people_changes: 0 },
    by: ["people_changes_changed_xid_idx"],
  },
  {
    what: "the profiles of people, with their chats",
    run: (sql) => findSeenProfiles(sql, [me, 3]),
    rows: { users: 2, chat_participants: myChats + 3 },
    by: ["users_pkey", "chat_participants_user_id_idx"],
  },
  {
    what: "whom a person has blocked",
    run: (sql) => findBlocks(sql, [blocker]),
    rows: { user_blocks: 2 * blockedPeople, chat_participants: 10 * blockedPeople },
    by: ["user_blocks_pkey", "chat_participants_user_id_idx"],
  },
  {
    what: "people by a part of their name",
    run: (sql) => findPeople(sql, { ...sought, usernamePart: "r77", namePart: "r77" }),
    rows: { users: 700 },
    by: ["users_username_bigrams_idx", "users_username_order_idx"],
  },
  {
    what: "whether people are in a chat together",
    run: (sql) =>
      areTogether(
        sql,
        watchedIds.map((userId) => ({ watcherId: me, userId })),
      ),
    // Each of them is in two chats, of which one is the person's.
    rows: { chat_participants: 4 * watchedIds.length },
    by: ["chat_participants_user_id_idx"],
  },
  {
    what: "what others are shown of people",
    run: (sql) => findPresence(sql, watchedIds),
    rows: { users: watchedIds.length, presence: watchedIds.length, last_seen: watchedIds.length },
    by: ["users_pkey", "presence_pkey", "last_seen_pkey"],
  },
  {
    what: "presence and memberships that have changed",
    // No transaction has come so far.
    run: (sql) => findChanges(sql, "1000000000000:1000000000000:"),
    rows: { presence: 0, membership_changes: 0 },
    by: ["presence_changed_xid_idx", "membership_changes_changed_xid_idx"],
  },
  {
    what: "the statuses of people on a server",
    run: (sql) =>
      writePresence(
        sql,
        session,
        watchedIds.map((userId) => ({ userId, status: "offline", goneForMs: 0 })),
      ),
    rows: { users: 2 * watchedIds.length },
    by: ["users_pkey"],
  },
  {
    what: "a session's chats",
    run: (sql) => readArrivals(sql, [{ sessionId: session, userId: 1 }]),
    rows: { sessions: 1, chat_participants: myChats },
    by: ["sessions_pkey", "chat_participants_user_id_idx"],
  },
  {
    what: "a refresh token",
    run: (sql) => rotateRefreshToken(sql, rotation),
    rows: { sessions: 1, users: 1 },
    by: ["sessions_pkey"],
  },
  {
    what: "whether a session goes on",
    run: (sql) => isSessionLive(sql, { sessionId: session, id: 1 }),
    rows: { sessions: 1 },
    by: ["sessions_pkey"],
  },
  {
    what: "whether many sessions go on",
    run: (sql) => findLiveSessions(sql, [session, crypto.randomUUID(), crypto.randomUUID()]),
    rows: { sessions: 3 },
    by: ["sessions_pkey"],
  },
  {
    what: "a person's sessions",
    run: (sql) => findSessions(sql, { id: me, sessionId: session }),
    rows: { sessions: 1 },
    by: ["sessions_user_id_idx"],
  },
  {
    what: "a ticket that nobody has",
    run: (sql) => takeTicket(sql, Buffer.from("none")),
    rows: { sessions: 1, socket_tickets: 0 },
    by: ["socket_tickets_pkey"],
  },
  {
    what: "expired sessions and tickets",
    run: (sql) => deleteExpired(sql, 100),
    rows: { sessions: 0, socket_tickets: 0 },
    by: ["sessions_expires_at_idx", "socket_tickets_expires_at_idx"],
  },
];
