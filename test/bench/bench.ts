import type postgres from "postgres";
import type { Cleanup } from "../world/cleanup.ts";
import type { Child } from "./child.ts";
import { Client } from "./client.ts";
import { tokenOf } from "./data.ts";
import type { Scale } from "./scale.ts";
import type { SharedServers } from "./servers.ts";

/** A server, its references, and the database that they share. */
export interface Bench {
  cleanup: Cleanup;
  scale: Scale;
  databaseUrl: string;
  sql: postgres.Sql;
  product: Child;
  reference: Child;
  /** The scripted model. */
  gemini: Child;
  /** Whether nothing else uses the PostgreSQL of the database. */
  ownsCluster: boolean;
  /** Signs the access tokens of all people. */
  secretKey: string;
  /** Starts another process of the same program. @param env what is added to its environment */
  startAnother(side: Side, env?: Record<string, string>): Promise<Child>;
  /** Servers that share their rooms, once they are started. */
  shared?: Promise<SharedServers>;
  /** Rooms that each asker has used. */
  turns: number[];
  /** The sides that have been warmed up. */
  warm: Set<string>;
}

export type Side = "product" | "reference";

/** Every measurement counts, and a count that is not exact makes it worthless. @throws Error if it is not */
export function check<T extends number | string | boolean>(what: string, actual: T, expected: T) {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`);
}

export const socketUrl = (child: Child, query: string) =>
  `${child.url.replace("http", "ws")}/ws?${query}`;

export async function openProduct(
  bench: Bench,
  userId: number,
  child = bench.product,
): Promise<Client> {
  const token = await tokenOf(userId, bench.secretKey);
  return Client.open(socketUrl(child, `token=${token}&frames=flat`));
}
