// The page's URL holds the open chat, so that reloading, going back and links work.
import { useEffect, useState } from "preact/hooks";

function chatInAddress(): number | undefined {
  const [, id] = /^#\/chats\/(\d{1,15})$/.exec(location.hash) ?? [];
  return id ? Number(id) : undefined;
}

export function chatAddress(chatId: number): string {
  return `#/chats/${chatId}`;
}

export function goToChat(chatId: number) {
  location.hash = chatAddress(chatId);
}

export function goHome() {
  location.hash = "#/";
}

export function useChatInAddress(): number | undefined {
  const [chatId, setChatId] = useState(chatInAddress);
  useEffect(() => {
    const follow = () => setChatId(chatInAddress());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return chatId;
}
