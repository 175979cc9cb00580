// The files that a person is about to send in a room.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Attachment, Attachments } from "../client/attachments.ts";
import { asProblemError } from "../client/problem-error.ts";

export const filesMax = 10;
/** Uploads of one person that run at once. */
const uploadsAtOnce = 3;

export interface PendingFile {
  readonly key: number;
  readonly name: string;
  readonly size: number;
  /** An address of the picture in this browser; undefined for other files. */
  readonly preview: string | undefined;
  /** From 0 to 1. */
  readonly progress: number;
  /** Set once it can be sent. */
  readonly attachment: Attachment | undefined;
  /** Why it could not be uploaded. */
  readonly problem: string | undefined;
}

export interface Uploads {
  readonly files: readonly PendingFile[];
  /** Whether a file is still on its way. */
  readonly isBusy: boolean;
  /** The files that can be sent. */
  readonly ready: readonly Attachment[];
  add(files: Iterable<File>): void;
  remove(key: number): void;
  retry(key: number): void;
  /** Forgets files that were sent. */
  clear(): void;
}

/** @param onRefused receives why files were not taken at all */
export function useUploads(
  attachments: Attachments,
  chatId: number,
  onRefused: (reason: string) => void,
): Uploads {
  const [files, setFiles] = useState<readonly PendingFile[]>([]);
  const [queue] = useState(() => new UploadQueue());
  const latest = useRef(files);
  latest.current = files;

  const change = (key: number, more: Partial<PendingFile>) =>
    setFiles((all) => all.map((each) => (each.key === key ? { ...each, ...more } : each)));

  function start(key: number, file: File) {
    queue.run(key, file, async (signal) => {
      try {
        const attachment = await attachments.upload(chatId, file, {
          name: file.name,
          signal,
          onProgress: (progress) => change(key, { progress }),
        });
        // It was removed while the last request was on its way.
        if (signal.aborted) await attachments.remove(chatId, attachment.id);
        else change(key, { attachment, progress: 1 });
      } catch (error) {
        if (!signal.aborted) change(key, { problem: asProblemError(error).detail });
      }
    });
  }

  useEffect(
    () => () => {
      queue.end();
      for (const { preview } of latest.current) if (preview) URL.revokeObjectURL(preview);
    },
    [],
  );

  return {
    files,
    isBusy: files.some(({ attachment, problem }) => !attachment && problem === undefined),
    ready: files.flatMap(({ attachment }) => attachment ?? []),
    add(added) {
      const all = [...added];
      const room = filesMax - files.length;
      if (all.length > room) onRefused(`A message may have ${filesMax} files.`);
      const pending = all.slice(0, Math.max(room, 0)).map((file) => ({
        key: queue.nextKey(),
        name: file.name,
        size: file.size,
        preview: /^image\/(jpeg|png|gif|webp)$/.test(file.type)
          ? URL.createObjectURL(file)
          : undefined,
        progress: 0,
        attachment: undefined,
        problem: undefined,
      }));
      setFiles((before) => [...before, ...pending]);
      pending.forEach(({ key }, index) => {
        const file = all[index];
        if (file) start(key, file);
      });
    },
    remove(key) {
      queue.abort(key);
      const file = files.find((each) => each.key === key);
      if (file?.preview) URL.revokeObjectURL(file.preview);
      // A file that is not deleted now is deleted after a day.
      if (file?.attachment) attachments.remove(chatId, file.attachment.id).catch(() => undefined);
      setFiles((all) => all.filter((each) => each.key !== key));
    },
    retry(key) {
      const file = queue.fileOf(key);
      if (!file) return;
      change(key, { problem: undefined, progress: 0 });
      start(key, file);
    },
    clear() {
      for (const { preview } of files) if (preview) URL.revokeObjectURL(preview);
      setFiles([]);
    },
  };
}

/** Runs a few uploads at once, the others after them. */
class UploadQueue {
  readonly #files = new Map<number, { file: File; abort: AbortController }>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #keys = 0;

  nextKey(): number {
    this.#keys += 1;
    return this.#keys;
  }

  fileOf(key: number): File | undefined {
    return this.#files.get(key)?.file;
  }

  run(key: number, file: File, upload: (signal: AbortSignal) => Promise<void>): void {
    const abort = new AbortController();
    this.#files.set(key, { file, abort });
    this.#waiting.push(() => {
      if (abort.signal.aborted) return;
      this.#running += 1;
      void upload(abort.signal).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    });
    this.#next();
  }

  abort(key: number): void {
    this.#files.get(key)?.abort.abort();
    this.#files.delete(key);
  }

  end(): void {
    for (const { abort } of this.#files.values()) abort.abort();
  }

  #next(): void {
    while (this.#running < uploadsAtOnce && this.#waiting.length > 0) this.#waiting.shift()?.();
  }
}
