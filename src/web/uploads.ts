import { useEffect, useMemo } from "preact/hooks";
import { useSnapshot } from "./observing.ts";
import { usePageParts } from "./page-parts.ts";
import { filesMax, type PendingFile, type RoomUploads } from "./room-uploads.ts";

/** The files of the message that a person writes in a room, for its components. */
export interface Uploads extends Pick<RoomUploads, "pause" | "goOn" | "remove" | "clear"> {
  readonly files: readonly PendingFile[];
  /** Whether a file is still on its way, or paused. */
  readonly isBusy: boolean;
  /** The ids of the files that can be sent. */
  readonly ids: readonly number[];
  add(files: Iterable<File>): void;
}

/** @param onRefused receives why files were not taken */
export function useUploads(
  userId: number,
  chatId: number,
  onRefused: (reason: string) => void,
): Uploads {
  const { uploads } = usePageParts();
  const room = useMemo(() => uploads.of(userId, chatId), [chatId]);
  useEffect(() => () => uploads.leave(chatId), [chatId]);
  const files = useSnapshot(room);
  return useMemo(
    () => ({
      files,
      isBusy: files.some(({ attachment, problem }) => !attachment && problem === undefined),
      ids: files.flatMap(({ attachment }) => (attachment ? [attachment.id] : [])),
      add(added) {
        if (!room.add(added)) onRefused(`A message may have ${filesMax} files.`);
      },
      pause: (id) => room.pause(id),
      goOn: (id) => room.goOn(id),
      remove: (id) => room.remove(id),
      clear: () => room.clear(),
    }),
    [files],
  );
}
