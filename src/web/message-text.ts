import type { Message } from "../wire/messages.ts";

/** The text of a message where it is named in one line: one without text by the names of its files. */
export function textOrNames({ content, attachments }: Message): string {
  return (
    content ||
    attachments.map(({ kind, name }) => (kind === "voice" ? "Voice message" : name)).join(", ")
  );
}
