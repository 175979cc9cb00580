// The web pages that Gemini names for a grounded answer: https://ai.google.dev/gemini-api/docs/google-search
import { z } from "zod";
import type { Source } from "./model.ts";

const sourcesMax = 20;
const titleLengthMax = 300;
const urlLengthMax = 2_048;

/** What can't be read is left out: an answer does not fail for its sources. */
export const Grounding = z
  .object({
    groundingChunks: z.array(
      z
        .object({ web: z.object({ uri: z.string(), title: z.string().nullish() }) })
        .nullable()
        .catch(null),
    ),
  })
  .nullish()
  .catch(undefined);

/** Gathers the sources of one answer: each page once, http and https only, in the order in which they are named. */
export function createSources() {
  const byUrl = new Map<string, Source>();
  return {
    add(grounding: z.infer<typeof Grounding>) {
      for (const chunk of grounding?.groundingChunks ?? []) {
        const url = chunk && webUrl(chunk.web.uri);
        if (!url || byUrl.size >= sourcesMax || byUrl.has(url)) continue;
        const title = chunk.web.title?.trim() || new URL(url).hostname;
        byUrl.set(url, { title: safe(title).slice(0, titleLengthMax).toWellFormed(), url });
      }
    },
    found: () => (byUrl.size > 0 ? { sources: [...byUrl.values()] } : {}),
  };
}

function webUrl(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const { protocol, href } = new URL(uri);
  return /^https?:$/.test(protocol) && href.length <= urlLengthMax ? href : undefined;
}

/** PostgreSQL stores no U+0000. */
function safe(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}
