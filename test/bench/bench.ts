import type postgres from "postgres";
import type { Cleanup } from "../world/cleanup.ts";
import type { Child } from "./child.ts";
import { Client } from "./client.ts";
import { tokenOf } from "./data.ts";

export interface Bench {
  cleanup: Cleanup;
  databaseUrl: string;
  sql: postgres.Sql;
  product: Child;
  reference: Child;
  /** The scripted model. */
  gemini: Child;
}

export function check<T extends number | string>(what: string, actual: T, expected: T) {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`);
}

export const socketUrl = (child: Child, query: string) =>
  `${child.url.replace("http", "ws")}/ws?${query}`;

export async function openProduct(bench: Bench, userId: number): Promise<Client> {
  const token = await tokenOf(userId, bench.product.secretKey);
  return Client.open(socketUrl(bench.product, `token=${token}&frames=flat`));
}
