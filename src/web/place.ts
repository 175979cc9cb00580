// The page's URL holds the open chat, so that reloading, going back and links work. The URL of a message has its number, too.
import { useLayoutEffect, useState } from "preact/hooks";

export interface Place {
  chatId: number | undefined;
  /** The number of the message that is to be shown. */
  seq: number | undefined;
}

function placeInAddress(): Place {
  const [, id, seq] = /^#\/chats\/(\d{1,15})(?:\/(\d{1,15}))?$/.exec(location.hash) ?? [];
  return { chatId: id ? Number(id) : undefined, seq: seq ? Number(seq) : undefined };
}

export function chatAddress(chatId: number): string {
  return `#/chats/${chatId}`;
}

export function messageAddress(chatId: number, seq: number): string {
  return `${chatAddress(chatId)}/${seq}`;
}

export function goToChat(chatId: number) {
  location.hash = chatAddress(chatId);
}

export function goHome() {
  location.hash = "#/";
}

export function usePlace() {
  const [place, setPlace] = useState(placeInAddress);
  // A normal effect runs up to 100 ms after rendering, and would miss a link that is followed before.
  useLayoutEffect(() => {
    const follow = () => setPlace(placeInAddress());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return {
    ...place,
    /** The message is shown: from now on the URL is that of its chat, so that the same link can be followed once more. */
    endJump(chatId: number) {
      if (placeInAddress().chatId !== chatId) return;
      history.replaceState(history.state, "", chatAddress(chatId));
      setPlace({ chatId, seq: undefined });
    },
  };
}
