// `gemini-coop/client/search`: searching messages, page by page.
import type { SearchItem, SearchPage } from "../wire/search.ts";
import type { Client } from "./client.ts";
import { observe, type Observable } from "./observable.ts";
import { asProblemError, type ProblemError } from "./problem-error.ts";

export type { SearchItem } from "../wire/search.ts";

export interface SearchOptions {
  /** Words, `"phrases"` and `-excluded` words. May be empty where `from` or `has` is given. */
  q: string;
  chat_id?: number | undefined;
  /** A user id or a username. */
  from?: number | string | undefined;
  has?: "link" | "file" | "image" | "voice" | undefined;
  /** Times in RFC 3339, or dates. */
  before?: string | undefined;
  after?: string | undefined;
  /** 1 to 100. Default: 20 */
  limit?: number | undefined;
}

export interface SearchSnapshot {
  /** The query that found the messages; undefined before the first search and after `cancel`. */
  readonly options: SearchOptions | undefined;
  /** Newest first. While a search goes on, those of the search before it. */
  readonly items: readonly SearchItem[];
  readonly isSearching: boolean;
  /** Whether `more` finds older messages. */
  readonly hasMore: boolean;
  /** The reason why the last request has failed. */
  readonly problem: ProblemError | undefined;
}

export interface Search extends Observable<SearchSnapshot> {
  /** Begins a search, in the place of the one before it, whose result is ignored. Never rejects. */
  find(options: SearchOptions): Promise<void>;
  /** Finds the next page, unless a request is under way. Never rejects. */
  more(): Promise<void>;
  /** Ends the search and forgets what was found. */
  cancel(): void;
}

const nothing: SearchSnapshot = {
  options: undefined,
  items: [],
  isSearching: false,
  hasMore: false,
  problem: undefined,
};

export function createSearch({ call }: Pick<Client, "call">): Search {
  let shown = nothing;
  let cursor: string | null = null;
  /** Increases with each search, so that the replies of earlier ones are recognised. */
  let epoch = 0;
  const observed = observe(() => ({ ...shown }));
  const set = (next: Partial<SearchSnapshot>) => {
    shown = { ...shown, ...next };
    observed.changed();
  };

  async function request(options: SearchOptions, from: string | null) {
    const own = epoch;
    const before = from === null ? [] : shown.items;
    const query = new URLSearchParams();
    const members = Object.entries({ ...options, cursor: from });
    for (const [name, value] of members) if (value != null) query.set(name, `${value}`);
    try {
      const page = await call<SearchPage>("GET", `/api/search?${query}`);
      if (own !== epoch) return;
      cursor = page.next_cursor;
      set({
        options,
        items: [...before, ...page.items],
        hasMore: cursor !== null,
        isSearching: false,
        problem: undefined,
      });
    } catch (error) {
      if (own !== epoch) return;
      const problem = asProblemError(error);
      set({ options, items: before, hasMore: from !== null, isSearching: false, problem });
    }
  }

  return {
    ...observed.observable,
    find(options) {
      epoch += 1;
      set({ isSearching: true });
      return request(options, null);
    },
    async more() {
      const { options, isSearching, hasMore } = shown;
      if (!options || isSearching || !hasMore) return;
      set({ isSearching: true });
      await request(options, cursor);
    },
    cancel() {
      epoch += 1;
      cursor = null;
      set(nothing);
    },
  };
}
