// The formats of an exported chat. Each text of people is written so that it cannot be taken for a part of the file. The last part of a
// file tells that it is whole: a connection that breaks leaves a file without it.
import type { Chat } from "../wire/chats.ts";
import type { ExportFormat } from "../wire/export.ts";
import type { Attachment } from "../wire/attachments.ts";
import type { Message } from "../wire/messages.ts";

/** The reason why an export has ended. */
export type ExportEnd = "complete" | "not_permitted";

export interface Format {
  readonly mediaType: string;
  head(chat: Chat, exportedAt: string): string;
  message(message: Message): string;
  tail(end: ExportEnd, messages: number): string;
}

const endSentence = (end: ExportEnd, messages: number) =>
  end === "complete"
    ? `End of the export. Messages: ${messages}.`
    : `The export is not complete: it ended after ${messages} messages, because you may not read the chat any more.`;

const jsonLines: Format = {
  mediaType: "application/jsonl; charset=utf-8",
  head: (chat, exportedAt) =>
    `${JSON.stringify({ type: "chat", version: 1, exported_at: exportedAt, chat })}\n`,
  message: (message) => `${JSON.stringify({ type: "message", message })}\n`,
  tail: (end, messages) =>
    `${JSON.stringify({ type: "end", complete: end === "complete", messages })}\n`,
};

const markdown: Format = {
  mediaType: "text/markdown; charset=utf-8",
  head: ({ name }, exportedAt) => `# ${plainMarkdown(name)}\n\nExported at ${exportedAt}.\n`,
  message({ seq, username, created_at, edited_at, deleted_at, content, attachments }) {
    const note = deleted_at ? " (deleted)" : edited_at ? " (edited)" : "";
    const title = `\n## ${seq}. ${plainMarkdown(username)}, ${created_at}${note}\n`;
    const files = attachments.map((file) => `- ${plainMarkdown(fileLine(file))}\n`).join("");
    return title + (content === "" ? "" : `\n${fenced(content)}\n`) + (files && `\n${files}`);
  },
  tail: (end, messages) => `\n---\n\n${endSentence(end, messages)}\n`,
};

const style =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}" +
  "article{margin:1rem 0}h2{font-size:1rem;margin:0}time{font-weight:normal;opacity:.7}" +
  "pre{font:inherit;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;margin:.25rem 0}footer{opacity:.7}";

const html: Format = {
  mediaType: "text/html; charset=utf-8",
  head: ({ name }, exportedAt) =>
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">` +
    `<meta name="viewport" content="width=device-width"><title>${escaped(name)}</title><style>${style}</style></head>\n` +
    `<body><h1><bdi>${escaped(name)}</bdi></h1><p>Exported at ${exportedAt}.</p>\n`,
  message({ seq, username, created_at, edited_at, deleted_at, content, attachments }) {
    const note = deleted_at ? " (deleted)" : edited_at ? " (edited)" : "";
    const files = attachments
      .map((file) => `<li><bdi>${escaped(fileLine(file))}</bdi></li>`)
      .join("");
    return (
      `<article id="m${seq}"><h2><bdi>${escaped(username)}</bdi> <time datetime="${created_at}">${created_at}</time>${note}</h2>` +
      // A line break at the beginning of a pre would be left out.
      (content === "" ? "" : `<pre dir="auto">\n${escaped(content)}</pre>`) +
      (files && `<ul>${files}</ul>`) +
      "</article>\n"
    );
  },
  tail: (end, messages) =>
    `<footer>${escaped(endSentence(end, messages))}</footer></body></html>\n`,
};

export const formats: Record<ExportFormat, Format> = { jsonl: jsonLines, md: markdown, html };

/** A file is named, and not a part of the export. The hash tells whether a file from elsewhere is the same. */
const fileLine = ({ name, media_type, size, sha256 }: Attachment) =>
  `${name} (${media_type}, ${size} bytes, SHA-256 ${sha256})`;

/** A text in one line in which no character has a meaning: CommonMark §2.4 allows a backslash before all ASCII punctuation. */
function plainMarkdown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").replaceAll(/[!-/:-@[-`{-~]/g, "\\$&");
}

/** A code block that ends only where it should: its fence is longer than any in the text (CommonMark §4.5). */
function fenced(content: string): string {
  const longest = Math.max(2, ...Array.from(content.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${content}\n${fence}`;
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  // A parser would turn it into a line break.
  "\r": "&#13;",
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"'\r]/g, (character) => entities[character] ?? "");
}
