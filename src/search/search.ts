// Searching the messages of a person's chats.
import type { Caller } from "../accounts/access-tokens.ts";
import { checkChat } from "../accounts/grants.ts";
import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { Ctx } from "../context.ts";
import { botUsername } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { searchTermsMax, type SearchPage, type SearchQuery } from "../wire/search.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { findNewest } from "./find.ts";
import { highlightsOf } from "./highlights.ts";
import { matchQuery } from "./match-query.ts";
import { findAuthor, findFoundMessages, type Place } from "./queries.ts";
import { parseSearchText, type Term } from "./search-text.ts";

const nothing: SearchPage = { items: [], next_cursor: null };
/** After so much work the event loop gets its turn: the words of a long message take some 20 ms, at worst some 200 ms. */
const turnMs = 4;
/** The place above every message. */
const top: Place = { at: Number.MAX_SAFE_INTEGER, id: Number.MAX_SAFE_INTEGER };

/**
 * Finds messages of the caller's chats, newest first. Words of a message are found within about a second.
 * @throws Problem `not_found` for a chat that the caller is not in, `invalid` for a search without anything to find
 */
export async function searchMessages(
  ctx: Ctx,
  caller: Caller,
  query: SearchQuery,
): Promise<SearchPage> {
  const { sql } = ctx;
  const below = placeBelow(query);
  const terms = parseTerms(query);
  const { chat_id: chatId } = query;
  checkSearchedChat(caller, chatId);
  const from = query.from === undefined ? undefined : await authorOf(ctx, query.from);
  if (from === null || (terms.length === 0 && query.q !== "")) {
    if (chatId !== undefined && !(await isParticipant(sql, caller.id, chatId))) {
      throw chatNotFound();
    }
    return nothing;
  }
  const places = await findNewest(
    sql,
    { userId: caller.id, query: matchQuery(terms, { from, has: query.has }), after: query.after },
    { chatId, below },
    query.limit + 1,
  );
  if (!places) {
    if (chatId !== undefined) throw chatNotFound();
    return nothing;
  }
  const page = places.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: await readItems(ctx, caller, page, terms),
    next_cursor: last && places.length > query.limit ? encodeCursor(last) : null,
  };
}

/** @throws Problem `not_found` for a chat that the caller's key may not be used in, `insufficient_scope` for a search in all chats */
function checkSearchedChat({ grant }: Caller, chatId: number | undefined): void {
  if (chatId !== undefined) return checkChat(grant, chatId);
  if (!grant?.chatIds) return;
  throw new Problem(
    "insufficient_scope",
    "This access key may be used in some chats only: name one of them as chat_id.",
  );
}

/** @param detail a sentence for a person */
function invalidMember(name: "q" | "cursor", detail: string): Problem {
  return new Problem("invalid", detail, { errors: [{ pointer: `/${name}`, detail }] });
}

/** The place below which messages are looked for: that of the cursor, or a time. */
function placeBelow({ cursor, before }: SearchQuery): Place {
  const time = before === undefined ? top : { at: Date.parse(before) * 1_000, id: 0 };
  if (cursor === undefined) return time;
  const place = decodeCursor(cursor);
  if (!place) throw invalidMember("cursor", "The cursor is not the next_cursor of a page.");
  return place.at < time.at ? place : time;
}

function parseTerms({ q, from, has }: SearchQuery): Term[] {
  const terms = parseSearchText(q);
  if (terms.length > searchTermsMax) {
    throw invalidMember("q", `A search has at most ${searchTermsMax} words and phrases.`);
  }
  if (from !== undefined || has !== undefined) return terms;
  if (q === "") throw invalidMember("q", "Give a word to find, or `from` or `has`.");
  if (terms.length > 0 && terms.every(({ isExcluded }) => isExcluded)) {
    throw invalidMember("q", "Add a word to find: `-word` only leaves messages out.");
  }
  return terms;
}

/** @returns null for an unknown person */
async function authorOf(ctx: Ctx, from: string): Promise<number | "bot" | null> {
  if (from.toLowerCase() === botUsername.toLowerCase()) return "bot";
  return (await findAuthor(ctx.sql, from)) ?? null;
}

async function readItems(
  ctx: Ctx,
  caller: Caller,
  page: readonly Place[],
  terms: readonly Term[],
): Promise<SearchPage["items"]> {
  if (page.length === 0) return [];
  const found = await findFoundMessages(
    ctx.sql,
    caller.id,
    page.map(({ id }) => id),
  );
  const byId = new Map(found.map((item) => [item.message.id, item]));
  const items: SearchPage["items"] = [];
  let turnBegan = performance.now();
  for (const { id } of page) {
    const item = byId.get(id);
    if (!item) continue;
    const { message, chatName } = item;
    const chat = { id: message.chat_id, name: chatName };
    items.push({ message, chat, highlights: highlightsOf(message.content, terms) });
    if (performance.now() - turnBegan > turnMs) {
      await new Promise((resolve) => setImmediate(resolve));
      turnBegan = performance.now();
    }
  }
  return items;
}
