import { useRef, useState } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
import type { Room, RoomSnapshot } from "../client/client.ts";
import { asProblemError, type ProblemError } from "../client/problem-error.ts";
import type { Message } from "../wire/messages.ts";
import type { User } from "../wire/users.ts";
import { useComposing } from "./composing.ts";
import { useDeletions } from "./deletions.ts";
import type { Drafts } from "./drafts.ts";
import { mayEdit, type MessageCommands } from "./message-commands.ts";
import { usePageParts } from "./page-parts.ts";
import type { Scrolling } from "./scrolling.ts";
import { useFileSending } from "./sending-files.ts";
import { useUploads } from "./uploads.ts";

/** The pages of older messages that are loaded in search of a message. */
const searchedPagesMax = 20;

/** @param parts of the room's pane, which stay the same while the room is shown, except the snapshot */
export function useConversation(parts: {
  room: Room;
  snapshot: RoomSnapshot;
  user: User;
  drafts: Drafts;
  scrolling: Scrolling;
  onVersions: (message: Message) => void;
  onPicture: (picture: Attachment) => void;
  onSent: () => void;
}) {
  const { room, snapshot, user, drafts, scrolling } = parts;
  const { attachments } = usePageParts();
  const composing = useComposing(room, drafts);
  const [notice, setNotice] = useState<string>();
  const refuse = (what: string) => (problem: ProblemError) =>
    setNotice(`${what} ${problem.detail}`);

  const uploads = useUploads(attachments, room.chatId, setNotice);
  const files = useFileSending(attachments, room.chatId);

  const deletions = useDeletions((messageId) => {
    void settle(room.delete(messageId), refuse("The message was not deleted."));
  });

  async function goTo(messageId: number) {
    setNotice(undefined);
    try {
      if (await loadBackTo(room, messageId)) scrolling.goTo(messageId);
      else setNotice("That message is too far back to be shown here.");
    } catch {
      setNotice("Earlier messages could not be loaded. Try again.");
    }
  }

  const commands = useLatest<MessageCommands>({
    stop: room.stop,
    askAgain: room.regenerate,
    reply: ({ id }) => composing.reply(id),
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
      setNotice(undefined);
      void settle(room.react(message.id, emoji, on), refuse("The reaction was not stored."));
    },
    goTo: (messageId) => void goTo(messageId),
    showVersions: parts.onVersions,
    showPicture: parts.onPicture,
  });

  async function sendFiles(content: string) {
    const { replyTo } = composing;
    setNotice(undefined);
    try {
      await files.send({ content, replyTo, ids: uploads.ids });
      composing.clear();
      uploads.clear();
      parts.onSent();
      scrolling.goToEnd();
    } catch (error) {
      refuse("The message was not sent.")(asProblemError(error));
    }
  }

  return {
    composing,
    uploads,
    isSendingFiles: files.isSending,
    commands,
    deleting: deletions.ids,
    notice,
    endNotice: () => setNotice(undefined),
    send(text: string) {
      const { editing, replyTo } = composing;
      if (!editing && uploads.ids.length > 0) return void sendFiles(text);
      setNotice(undefined);
      composing.clear();
      if (!editing) {
        room.send(text, { replyTo });
        parts.onSent();
        scrolling.goToEnd();
      } else if (text !== editing.content) {
        void settle(room.edit(editing.id, text), (problem) => {
          refuse("The edit was not stored.")(problem);
          composing.restore(editing, text);
        });
      }
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

/** Loads older messages until one is there. @returns whether it is @throws ProblemError */
async function loadBackTo(room: Room, messageId: number): Promise<boolean> {
  const isLoaded = () => room.getSnapshot().messages.some(({ id }) => id === messageId);
  for (let page = 0; page < searchedPagesMax && !isLoaded(); page += 1) {
    if (!(await room.loadOlder())) break;
  }
  return isLoaded();
}

/** An object that stays the same over renderings, and whose functions are those of the last one. */
function useLatest<T extends object>(functions: T): T {
  const stable = useRef(functions);
  return Object.assign(stable.current, functions);
}
