// Messages that are shown in the place of the newest ones, around one that was found.
import { useEffect, useMemo } from "preact/hooks";
import type { Client, Room, RoomSnapshot } from "../client/client.ts";
import { createPastMessages, type PastSnapshot } from "../client/past-messages.ts";
import { asProblemError } from "../client/problem-error.ts";
import type { Message } from "../wire/messages.ts";
import { useSnapshot } from "./observing.ts";
import type { Scrolling } from "./scrolling.ts";

/** The number of pages of older messages that are searched for a message before only the page around it is loaded. */
const searchedPagesMax = 4;

export type Past = ReturnType<typeof usePast>;

/** @returns the part of the room that is to be shown, and the functions that choose it */
export function usePast(client: Client, room: Room, snapshot: RoomSnapshot) {
  const past = useMemo(() => createPastMessages(client, room.chatId), [room]);
  useEffect(() => past.close, [past]);
  const now = useSnapshot(past);
  const isShown = now.messages.length > 0;
  const shown = useMemo(() => (isShown ? joined(now, snapshot) : snapshot), [now, snapshot]);
  const loadedIn = (messages: readonly Message[], id: number) =>
    messages.some((each) => each.id === id);

  return {
    shown,
    /** Whether later messages than the shown ones are not shown. */
    hasNewer: isShown && now.hasNewer,
    isLoading: now.isLoading,
    loadOlder: () => (isShown ? past.loadOlder() : room.loadOlder()),
    loadNewer: past.loadNewer,
    /** Shows the newest messages again. */
    clear: past.clear,
    /** Shows the message with a number, or the next one. @returns its id @throws ProblemError */
    async show(seq: number): Promise<number | undefined> {
      const found = shown.messages.find((message) => message.seq === seq) ?? (await past.show(seq));
      return found?.id;
    },
    /** Shows a message of the chat. @throws ProblemError */
    async showMessage(id: number): Promise<void> {
      if (loadedIn(shown.messages, id)) return;
      for (let page = 0; page < searchedPagesMax && !isShown; page += 1) {
        const isMore = await room.loadOlder();
        if (loadedIn(room.getSnapshot().messages, id)) return;
        if (!isMore) break;
      }
      const path = `/api/chats/${room.chatId}/messages/${id}`;
      await past.show((await client.call<Message>("GET", path)).seq);
    },
  };
}

/** The past messages, followed by the room's own ones as soon as nothing is missing between them. */
function joined(past: PastSnapshot, snapshot: RoomSnapshot): RoomSnapshot {
  const { messages, hasOlder, hasNewer, isLoading } = past;
  const first = snapshot.messages[0]?.seq ?? Infinity;
  return {
    ...snapshot,
    messages: hasNewer
      ? messages
      : [...messages.filter(({ seq }) => seq < first), ...snapshot.messages],
    pending: hasNewer ? [] : snapshot.pending,
    hasOlder,
    loadingOlder: isLoading,
  };
}

/** Shows the message that the page's URL has the number of, once the room is loaded. */
export function useJump(
  seq: number | undefined,
  {
    past,
    scrolling,
    snapshot,
    onEnd,
    onProblem,
  }: {
    past: Past;
    scrolling: Scrolling;
    snapshot: RoomSnapshot;
    onEnd: () => void;
    /** Receives a sentence for the person. */
    onProblem: (text: string) => void;
  },
): void {
  const isLoaded = snapshot.chat !== undefined;
  useEffect(() => {
    if (seq === undefined || !isLoaded) return;
    past
      .show(seq)
      .then((id) => id !== undefined && scrolling.goTo(id))
      .catch((error: unknown) =>
        onProblem(`The message could not be shown. ${asProblemError(error).detail}`),
      )
      .finally(onEnd);
  }, [seq, isLoaded]);
}
