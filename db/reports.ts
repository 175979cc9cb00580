// `bun run db:reports`: the reports of messages that are left to the operators of the server.
import type { Sql } from "../src/database/connect.ts";
import {
  findReportsForOperators,
  resolveReportForOperators,
} from "../src/moderation/operator-queries.ts";

const reportsMax = 100;
const textMax = 500;
const source = { address: "127.0.0.1", userAgent: "bun run db:reports" };

/** A text in one line: neither line breaks nor control characters of people reach the terminal. */
function inOneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").toWellFormed();
  return line.length > textMax ? `${line.slice(0, textMax).toWellFormed()} …` : line;
}

/** @returns the oldest open reports as text */
export async function listForOperators(sql: Sql): Promise<string> {
  const reports = await findReportsForOperators(sql, reportsMax);
  if (reports.length === 0) return "There are no such reports.";
  const blocks = reports.map(({ id, chat_id, created_at, reporter, reason, message }) =>
    [
      `report ${id}, ${created_at}, chat ${chat_id}`,
      `  ${reporter.username} (user ${reporter.user_id}) says: ${inOneLine(reason)}`,
      `  about message ${message.id} of ${message.username} (user ${message.user_id}): ${inOneLine(message.content)}`,
    ].join("\n"),
  );
  const isMore =
    reports.length === reportsMax ? "\nThere may be more: resolve some of these first." : "";
  return `${blocks.join("\n")}${isMore}`;
}

/** @throws Error if there is no such report */
export async function resolveForOperators(sql: Sql, reportId: number): Promise<string> {
  if (await resolveReportForOperators(sql, reportId, source)) return `resolved report ${reportId}`;
  throw new Error(`There is no open report ${reportId} that is left to the operators.`);
}
