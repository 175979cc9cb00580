import type { ExportFormat } from "../client/account.ts";
import { ProblemError } from "../client/problem-error.ts";
import type { ChatSummary } from "../wire/chats.ts";
import { MenuButton } from "./menu.tsx";
import { isMuted, muteChoices } from "./muting.ts";
import { usePageParts } from "./page-parts.ts";
import { saveFile } from "./saved-file.ts";
import { useNow } from "./times.ts";

const exportFormats: readonly { label: string; format: ExportFormat }[] = [
  { label: "Export as HTML", format: "html" },
  { label: "Export as Markdown", format: "md" },
  { label: "Export as JSON Lines", format: "jsonl" },
];

/** Mutes and pins a chat in the person's own list, which follows the server's frame; exports the chat; shows its reports. */
export function ChatMenu({
  chat,
  title,
  onReports,
}: {
  chat: ChatSummary;
  /** The name of the chat, as it is shown. */
  title: string;
  /** Undefined for people who do not moderate the chat. */
  onReports: (() => void) | undefined;
}) {
  const { account, details } = usePageParts();
  async function exportAs(format: ExportFormat) {
    const { content, isComplete } = await account.exportChat(chat.id, format);
    saveFile(content, `${title}.${format}`);
    if (!isComplete) {
      throw new ProblemError("network", "The file was cut off before its end. Export it again.");
    }
  }
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
        ...exportFormats.map(({ label, format }) => ({ label, onChoose: () => exportAs(format) })),
        ...(onReports ? [{ label: "Reports", onChoose: async () => onReports() }] : []),
      ]}
    />
  );
}
