import type { ChatSummary } from "../wire/chats.ts";
import { MenuButton } from "./menu.tsx";
import { isMuted, muteChoices } from "./muting.ts";
import { useServices } from "./services.ts";
import { useNow } from "./times.ts";

/** Mutes and pins a chat in the person's own list. The list follows the server's frame. */
export function ChatMenu({ chat }: { chat: ChatSummary }) {
  const { details } = useServices();
  const now = useNow();
  const mute = (until: string | null) =>
    details.changeChatPreferences(chat.id, { muted_until: until });
  const pin = (pinned: boolean) => details.changeChatPreferences(chat.id, { pinned });
  return (
    <MenuButton
      label="Chat menu"
      icon="more"
      items={[
        {
          label: chat.pinned ? "Unpin from the top" : "Pin to the top",
          onChoose: () => pin(!chat.pinned),
        },
        ...(isMuted(chat, now)
          ? [{ label: "Unmute", onChoose: () => mute(null) }]
          : muteChoices().map(({ label, until }) => ({ label, onChoose: () => mute(until) }))),
      ]}
    />
  );
}
