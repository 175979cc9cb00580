import type { Source } from "../stream-answer.ts";
import { storable } from "./storable.ts";

const sourcesMax = 20;
const titleCharactersMax = 300;
const urlCharactersMax = 2_048;

/** The web pages that Gemini named, each once, the first ones where there are too many. */
export function createSources() {
  const byUrl = new Map<string, Source>();
  return {
    add(uri: string, givenTitle: string) {
      if (byUrl.size >= sourcesMax || !URL.canParse(uri)) return;
      const { protocol, hostname, href: url } = new URL(uri);
      if (!/^https?:$/.test(protocol) || url.length > urlCharactersMax || byUrl.has(url)) return;
      const title = shortened(storable(givenTitle).trim(), titleCharactersMax);
      byUrl.set(url, { title: title || hostname, url });
    },
    list: () => [...byUrl.values()],
  };
}

/** Cuts to at most `max` UTF-16 units, never within a pair. */
function shortened(text: string, max: number): string {
  return text.slice(0, max).replace(/[\uD800-\uDBFF]$/, "");
}
