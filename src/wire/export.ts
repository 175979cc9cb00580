// Exports of chats and of a person's data, which are streamed as files.
import { z } from "zod";

export const ExportQuery = z.object({
  format: z.enum(["jsonl", "md", "html"]).default("jsonl").meta({
    description: "JSON Lines, Markdown, or HTML that opens offline",
    default: "jsonl",
  }),
});
export type ExportFormat = z.infer<typeof ExportQuery>["format"];
