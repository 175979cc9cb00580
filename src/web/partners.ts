// The other person of each private chat in the list: the list itself only has the owner's id.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Client } from "../client/client.ts";
import type { ChatSummary } from "../wire/chats.ts";

/** Chats whose participants are requested after one change of the list. */
const requestsMax = 50;

type Partners = ReadonlyMap<number, number>;

/** @returns user ids by chat id. Those that have to be requested are added one after another. */
export function usePartners(
  client: Client,
  chats: readonly ChatSummary[] | undefined,
  ownId: number,
): Partners {
  const [requested, setRequested] = useState<Partners>(new Map());
  const isBusy = useRef(false);
  const privateChats = (chats ?? []).filter(({ is_group, is_ai_chat }) => !is_group && !is_ai_chat);
  const own = privateChats.filter(({ owner_id }) => owner_id === ownId).map(({ id }) => id);

  useEffect(() => {
    if (isBusy.current) return undefined;
    let isOver = false;
    isBusy.current = true;
    void requestPartners(
      client,
      own.filter((id) => !requested.has(id)).slice(0, requestsMax),
      ownId,
    )
      .then((found) => {
        if (!isOver && found.size > 0) setRequested((all) => new Map([...all, ...found]));
      })
      .finally(() => {
        isBusy.current = false;
      });
    return () => {
      isOver = true;
    };
  }, [own.join()]);

  const others = privateChats.filter(({ owner_id }) => owner_id !== ownId);
  return new Map([...others.map(({ id, owner_id }) => [id, owner_id] as const), ...requested]);
}

/** A chat that can't be requested, or that holds nobody else yet, is left out. */
async function requestPartners(client: Client, chatIds: number[], ownId: number) {
  const found = new Map<number, number>();
  for (const chatId of chatIds) {
    const people = await client.api.listParticipants(chatId).catch(() => []);
    const other = people.find(({ id }) => id !== ownId);
    if (other) found.set(chatId, other.id);
  }
  return found;
}
