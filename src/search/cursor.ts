// The cursor of a search: the place of the last message of a page. It needs no signature, because a search looks into the chats of
// the caller only, wherever it begins.
import type { Place } from "./queries.ts";

const form = /^(?<at>\d{1,16})\.(?<id>\d{1,16})$/;

export function encodeCursor({ at, id }: Place): string {
  return Buffer.from(`${at}.${id}`).toString("base64url");
}

/** The place of a cursor; undefined for a text that no page has returned. */
export function decodeCursor(text: string): Place | undefined {
  const groups = form.exec(Buffer.from(text, "base64url").toString("latin1"))?.groups;
  const place = { at: Number(groups?.at), id: Number(groups?.id) };
  const isPlace = Number.isSafeInteger(place.at) && Number.isSafeInteger(place.id);
  return isPlace && encodeCursor(place) === text ? place : undefined;
}
