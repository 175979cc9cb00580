// Tells people who is connected, if they may know it.
import type { Logger } from "pino";
import type { Sql } from "../database/connect.ts";
import { ConnectedPeople } from "./connected-people.ts";
import { findLiveServers } from "./queries.ts";
import type { PresenceSocket } from "./person.ts";
import { deleteEndedServers, deleteOldMembershipChanges } from "./clean-up-queries.ts";
import { PresenceWatches } from "./watches.ts";

const defaultHoldMs = 5_000;
const defaultIdleMs = 10 * 60_000;
const defaultLeaseMs = 25_000;

const cleanUpPageSize = 5_000;
/** Pages of one clean-up. What is left is for the next one. */
const cleanUpPagesMax = 200;

export interface PresenceParts {
  sql: Sql;
  log: Logger;
  now: () => Date;
  /** The statuses of people have changed here, and are in the database. */
  onWritten?: (() => void) | undefined;
  /** See `ConnectedDurations`. */
  durations?: {
    presenceHoldMs?: number | undefined;
    presenceIdleMs?: number | undefined;
    presenceLeaseMs?: number | undefined;
  };
}

export class Presence {
  readonly people: ConnectedPeople;
  readonly watches: PresenceWatches;
  readonly #sql: Sql;

  constructor(parts: PresenceParts) {
    const { sql, durations = {} } = parts;
    const {
      presenceHoldMs: holdMs = defaultHoldMs,
      presenceIdleMs: idleMs = defaultIdleMs,
      presenceLeaseMs: leaseMs = defaultLeaseMs,
    } = durations;
    this.#sql = sql;
    this.people = new ConnectedPeople(parts, { holdMs, idleMs, leaseMs });
    this.watches = new PresenceWatches(sql, () => this.people.flush());
  }

  /** A socket was signed in. */
  connected(socket: PresenceSocket): void {
    this.people.connected(socket);
  }

  /** A socket has closed. */
  disconnected(socket: PresenceSocket): void {
    this.watches.end(socket);
    this.people.disconnected(socket);
  }

  /** The ids of the servers whose leases have not expired, this one's among them. A server without people may have none. */
  async liveServers(): Promise<ReadonlySet<string>> {
    return new Set(await findLiveServers(this.#sql));
  }

  /** Deletes what servers have left behind that are gone, and old membership changes. Called about every 10 minutes. */
  async cleanUp(): Promise<void> {
    for (const deletePage of [deleteEndedServers, deleteOldMembershipChanges]) {
      for (let page = 0; page < cleanUpPagesMax; page += 1) {
        if ((await deletePage(this.#sql, cleanUpPageSize)) === 0) break;
      }
    }
  }
}
