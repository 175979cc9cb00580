// The check of exports: a file that was cut off tells so, and a whole one has all messages, once and in order.
import { z } from "zod";
import {
  exportKinds,
  type ExportKind,
  type ExportRecord,
  type History,
  type Violation,
} from "./history.ts";

const Line = z.object({
  type: z.string(),
  complete: z.boolean().optional(),
  messages: z.int().optional(),
  content: z.string().optional(),
  message: z.object({ content: z.string(), seq: z.int() }).optional(),
});
type Line = z.infer<typeof Line>;

export function checkExports({ exports }: History): Violation[] {
  if (!exports) return [];
  const { records, contents } = exports;
  const missing = exportKinds.filter(
    (kind) => !records.some((record) => record.kind === kind && isWhole(record, contents.length)),
  );
  return [
    ...missing.map((kind) => ({ rule: "no export afterwards", detail: kind })),
    ...records.flatMap((record) => faultsOfExport(record, contents)),
  ];
}

/** Whether a file says that it has come to its end, with all messages. */
export function isWhole({ kind, text }: ExportRecord, count: number): boolean {
  const sentence = `End of the export. Messages: ${count}.`;
  switch (kind) {
    case "md":
      return text.endsWith(`\n---\n\n${sentence}\n`);
    case "html":
      return text.endsWith(`<footer>${sentence}</footer></body></html>\n`);
    case "jsonl":
    case "account": {
      const last = text.endsWith("\n") ? linesOf(text).at(-1) : undefined;
      const isCounted = kind === "account" || last?.messages === count;
      return last?.type === "end" && last.complete === true && isCounted;
    }
  }
}

/** @param contents what the chat contains, in order */
export function faultsOfExport(record: ExportRecord, contents: readonly string[]): Violation[] {
  const { kind, text, isBroken } = record;
  if (!isWhole(record, contents.length)) {
    // The connection tells it, too, so that nobody needs to look at the file.
    if (isBroken) return [];
    return [{ rule: "cut export looks whole", detail: `${kind}: it ends ${text.slice(-80)}` }];
  }
  if (Bun.deepEquals(contentsOf(kind, text), contents)) return [];
  return [{ rule: "export is not exact", detail: kind }];
}

function linesOf(text: string): Line[] {
  return text
    .trimEnd()
    .split("\n")
    .flatMap((line) => {
      try {
        return [Line.parse(JSON.parse(line))];
      } catch {
        return [];
      }
    });
}

function contentsOf(kind: ExportKind, text: string): string[] {
  const found = (pattern: RegExp) =>
    Array.from(text.matchAll(pattern), ([, content]) => content ?? "");
  switch (kind) {
    case "md":
      return found(/^```text\n(.*)\n```$/gm);
    case "html":
      return found(/<pre dir="auto">\n(.*)<\/pre>/g);
    case "jsonl":
      return linesOf(text).flatMap(({ message }, index) =>
        // The chat's own line is the first.
        message ? [message.seq === index ? message.content : `number ${message.seq}`] : [],
      );
    case "account":
      return linesOf(text).flatMap(({ type, content }) =>
        type === "message" ? [content ?? ""] : [],
      );
  }
}
