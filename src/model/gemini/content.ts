import type { Part } from "@google/genai";
import type { Turn, TurnFile } from "../stream-answer.ts";

/** A turn as Gemini takes it: its files stand between the pieces of its text. */
export function contentOf({ role, text, files = [] }: Turn): { role: string; parts: Part[] } {
  const parts: Part[] = [];
  let from = 0;
  for (const file of files) {
    if (file.at > from) parts.push({ text: text.slice(from, file.at) });
    parts.push(partOf(file));
    from = file.at;
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from) });
  return { role, parts };
}

function partOf({ mediaType: mimeType, source }: TurnFile): Part {
  if ("uri" in source) return { fileData: { fileUri: source.uri, mimeType } };
  return { inlineData: { data: Buffer.from(source.bytes).toString("base64"), mimeType } };
}
