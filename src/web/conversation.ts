import { useRef, useState } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
import type { Room, RoomSnapshot } from "../client/client.ts";
import type { ProblemError } from "../client/problem-error.ts";
import type { Message } from "../wire/messages.ts";
import type { User } from "../wire/users.ts";
import { useComposing, type Composing } from "./composing.ts";
import { useDeletions } from "./deletions.ts";
import type { Drafts } from "./drafts.ts";
import { mayEdit, type MessageCommands } from "./message-commands.ts";
import { usePageParts } from "./page-parts.ts";
import type { Past } from "./past.ts";
import type { Scrolling } from "./scrolling.ts";
import { useUploads } from "./uploads.ts";

interface ConversationParts {
  room: Room;
  snapshot: RoomSnapshot;
  user: User;
  drafts: Drafts;
  scrolling: Scrolling;
  past: Past;
  onVersions: (message: Message) => void;
  onPicture: (picture: Attachment) => void;
  onReport: (message: Message) => void;
  onSent: () => void;
}

/** The actions that a person has for a message that is shown. */
function useCommands(
  { room, scrolling, past, ...parts }: ConversationParts,
  composing: Composing,
  deletions: ReturnType<typeof useDeletions>,
  tell: (notice: string | undefined) => void,
): MessageCommands {
  async function goTo(messageId: number) {
    tell(undefined);
    try {
      await past.showMessage(messageId);
      scrolling.goTo(messageId);
    } catch {
      tell("Earlier messages could not be loaded. Try again.");
    }
  }

  return useLatest<MessageCommands>({
    stop: room.stop,
    askAgain: room.regenerate,
    reply: ({ id }) => composing.reply(id),
    ask: ({ id }) => composing.ask(id),
    edit: (message) => composing.edit(message),
    delete: ({ id }) => {
      if (composing.editing?.id === id) composing.cancel();
      deletions.begin(id);
    },
    keep(messageId) {
      deletions.undo(messageId);
      scrolling.focus(messageId);
    },
    react(message, emoji, on) {
      tell(undefined);
      void settle(room.react(message.id, emoji, on), ({ detail }) =>
        tell(`The reaction was not stored. ${detail}`),
      );
    },
    goTo: (messageId) => void goTo(messageId),
    showVersions: parts.onVersions,
    showPicture: parts.onPicture,
    report: parts.onReport,
  });
}

/** @param parts of the room's pane, which stay the same while the room is shown, except the snapshot */
export function useConversation(parts: ConversationParts) {
  const { room, snapshot, user, drafts, scrolling, past } = parts;
  const { client } = usePageParts();
  const composing = useComposing(room, drafts);
  const [notice, setNotice] = useState<string>();
  const refuse = (what: string) => (problem: ProblemError) =>
    setNotice(`${what} ${problem.detail}`);

  const uploads = useUploads(user.id, room.chatId, setNotice);

  const deletions = useDeletions(
    (messageId) => settle(room.delete(messageId), refuse("The message was not deleted.")),
    (messageId) => void client.api.deleteMessage(room.chatId, messageId).catch(() => {}),
  );

  function goToNewest() {
    past.clear();
    scrolling.goToEnd();
  }

  const commands = useCommands(parts, composing, deletions, setNotice);

  return {
    composing,
    uploads,
    commands,
    deleting: deletions.ids,
    notice,
    /** Shows a sentence. */
    tell: setNotice,
    endNotice: () => setNotice(undefined),
    goToNewest,
    send(text: string) {
      const { editing, replyTo } = composing;
      setNotice(undefined);
      composing.clear();
      if (!editing) {
        const { ids } = uploads;
        room.send(text, { replyTo, attachmentIds: ids.length > 0 ? [...ids] : undefined });
        uploads.clear();
        parts.onSent();
        goToNewest();
      } else if (text !== editing.content) {
        void settle(room.edit(editing.id, text), (problem) => {
          refuse("The edit was not stored.")(problem);
          composing.restore(editing, text);
        });
      }
    },
    /** Writes a mention at the end of the draft. */
    mention(username: string) {
      const { draft: text } = composing;
      composing.begin(`${text}${text === "" || /\s$/.test(text) ? "" : " "}@${username} `);
    },
    editLast() {
      const last = snapshot.messages.findLast(
        (message) => mayEdit(message, user.id) && !deletions.ids.has(message.id),
      );
      if (last) composing.edit(last);
    },
  };
}

/** Calls a function if a change was refused. */
async function settle(
  change: ReturnType<Room["delete"]>,
  onRefusal: (problem: ProblemError) => void,
) {
  const result = await change;
  if (!result.ok) onRefusal(result.problem);
}

/** An object that stays the same over renderings, and whose functions are those of the last one. */
function useLatest<T extends object>(functions: T): T {
  const stable = useRef(functions);
  return Object.assign(stable.current, functions);
}
