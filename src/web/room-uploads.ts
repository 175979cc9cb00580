// The files that a person is about to send. An upload goes on while another room is shown, and after a reload.
import type { Attachment, Attachments } from "../client/attachments.ts";
import { makeClientId } from "../client/client-id.ts";
import { observe, type Observable } from "../client/observable.ts";
import { asProblemError } from "../client/problem-error.ts";
import type { StoredUploads } from "./stored-uploads.ts";
import type { UploadQueue } from "./upload-queue.ts";
import { whenVisible } from "./visibility.ts";

export const filesMax = 10;

export interface PendingFile {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  /** An address of the picture in this browser; undefined for other files. */
  readonly preview: string | undefined;
  /** The part that was sent, from 0 to 1. */
  readonly progress: number;
  readonly isPaused: boolean;
  /** The uploaded file, once a message can have it. */
  readonly attachment: Attachment | undefined;
  /** The reason for which the file could not be uploaded. */
  readonly problem: string | undefined;
}

/** One file, over all its tries. */
interface Upload {
  shown: PendingFile;
  readonly file: File;
  readonly addedAtMs: number;
  /** The server's id of the upload, once it has begun. */
  uploadId: string | undefined;
  /** Ends the try that is running. */
  abort: AbortController;
  /** Settles when all tries before have ended. */
  tried: Promise<void>;
  /** The file was removed or sent. */
  isGone: boolean;
  /** Lets other tabs have the upload. */
  readonly release: AbortController;
}

/** Parts that the rooms of a page share. */
export interface UploadParts {
  attachments: Attachments;
  queue: UploadQueue;
  /** Undefined where the browser keeps nothing. Never throws. */
  loadStored: () => Promise<StoredUploads | undefined>;
}

/** The files of the message that is being written in one chat. */
export class RoomUploads implements Observable<readonly PendingFile[]> {
  readonly #parts: UploadParts;
  readonly #owner: { userId: number; chatId: number };
  readonly #uploads = new Map<string, Upload>();
  readonly #observed = observe(() => [...this.#uploads.values()].map(({ shown }) => shown));
  readonly #end = new AbortController();
  readonly subscribe = this.#observed.observable.subscribe;
  readonly getSnapshot = this.#observed.observable.getSnapshot;

  constructor(parts: UploadParts, owner: { userId: number; chatId: number }) {
    this.#parts = parts;
    this.#owner = owner;
    // A browser that refuses it does without.
    void this.#restore().catch(() => undefined);
  }

  /** @returns whether all files were taken */
  add(files: Iterable<File>): boolean {
    const all = [...files];
    const taken = all.slice(0, Math.max(filesMax - this.#uploads.size, 0));
    for (const file of taken) {
      const upload = this.#show(makeClientId(), file, Date.now());
      void this.#keep(upload, true);
      this.#start(upload);
    }
    return taken.length === all.length;
  }

  pause(id: string): void {
    const upload = this.#uploads.get(id);
    if (!upload) return;
    upload.abort.abort();
    this.#change(upload, { isPaused: true });
    void this.#keep(upload);
  }

  /** Goes on with a file that was paused or has failed. */
  goOn(id: string): void {
    const upload = this.#uploads.get(id);
    if (!upload) return;
    this.#change(upload, { isPaused: false, problem: undefined });
    void this.#keep(upload);
    this.#start(upload);
  }

  remove(id: string): void {
    const attachment = this.#uploads.get(id)?.shown.attachment;
    this.#forget(id);
    // The server deletes the file or the unfinished upload after a day if this request fails.
    if (attachment) void this.#delete(attachment);
  }

  /** Forgets the files, which were sent. */
  clear(): void {
    for (const id of this.#uploads.keys()) this.#forget(id);
  }

  /** Removes the files, and takes over none of other tabs any more. */
  close(): void {
    this.clear();
    this.#end.abort();
  }

  #show(id: string, file: File, addedAtMs: number, release = new AbortController()): Upload {
    const isPicture = /^image\/(jpeg|png|gif|webp)$/.test(file.type);
    const { name, size } = file;
    const preview = isPicture ? URL.createObjectURL(file) : undefined;
    const state = { progress: 0, isPaused: false, attachment: undefined, problem: undefined };
    const upload: Upload = {
      ...{ file, addedAtMs, uploadId: undefined },
      shown: { id, name, size, preview, ...state },
      abort: new AbortController(),
      ...{ tried: Promise.resolve(), isGone: false, release },
    };
    this.#uploads.set(id, upload);
    this.#observed.changed();
    return upload;
  }

  #start(upload: Upload): void {
    upload.abort = new AbortController();
    const { signal } = upload.abort;
    this.#parts.queue.run(signal, () => {
      // Two tries at once would begin two uploads.
      upload.tried = upload.tried.then(() => this.#run(upload, signal));
      return upload.tried;
    });
  }

  async #run(upload: Upload, signal: AbortSignal): Promise<void> {
    const { file, uploadId } = upload;
    if (signal.aborted) return;
    if (file.size === 0) return this.#change(upload, { problem: "The file is empty." });
    try {
      const attachment = await this.#parts.attachments.upload(this.#owner.chatId, file, {
        ...{ name: file.name, clientId: upload.shown.id, uploadId, signal },
        onProgress: (progress) => this.#change(upload, { progress }),
        onBegin: (begun) => {
          upload.uploadId = begun;
          if (upload.isGone) this.#cancel(begun);
          else void this.#keep(upload);
        },
      });
      // It was removed or paused while the last request was on its way.
      if (upload.isGone) await this.#delete(attachment);
      else this.#change(upload, { attachment, progress: 1, isPaused: false });
    } catch (error) {
      if (!signal.aborted) this.#change(upload, { problem: asProblemError(error).detail });
    }
  }

  #change(upload: Upload, more: Partial<PendingFile>): void {
    upload.shown = { ...upload.shown, ...more };
    this.#observed.changed();
  }

  #forget(id: string): void {
    const upload = this.#uploads.get(id);
    if (!upload) return;
    this.#uploads.delete(id);
    upload.isGone = true;
    upload.abort.abort();
    if (upload.uploadId && !upload.shown.attachment) this.#cancel(upload.uploadId);
    if (upload.shown.preview) URL.revokeObjectURL(upload.shown.preview);
    this.#observed.changed();
    // Another tab that waits for it has to find that it is gone.
    void this.#parts
      .loadStored()
      .then((stored) => stored?.drop(id))
      .catch(() => undefined)
      .finally(() => upload.release.abort());
  }

  #cancel(uploadId: string): void {
    void this.#parts.attachments.cancel(this.#owner.chatId, uploadId).catch(() => undefined);
  }

  #delete({ id }: Attachment): Promise<unknown> {
    return this.#parts.attachments.remove(this.#owner.chatId, id).catch(() => undefined);
  }

  /** Keeps an upload for the page's next start. @param isNew no tab holds it so far */
  async #keep(upload: Upload, isNew = false): Promise<void> {
    try {
      const stored = await this.#parts.loadStored();
      if (!stored || upload.isGone) return;
      const { file, uploadId, addedAtMs, release } = upload;
      const { id, progress, isPaused } = upload.shown;
      if (isNew) void stored.hold(id, release.signal).catch(() => undefined);
      await stored.keep({ id, ...this.#owner, file, uploadId, progress, isPaused, addedAtMs });
    } catch {
      // There is no place for it: it does not survive a reload.
    }
  }

  /** Takes over the uploads of tabs that were closed or reloaded. */
  async #restore(): Promise<void> {
    const stored = await this.#parts.loadStored();
    const { userId, chatId } = this.#owner;
    for (const { id } of (await stored?.list(userId, chatId)) ?? []) {
      if (stored) void this.#takeOver(stored, id).catch(() => undefined);
    }
  }

  async #takeOver(stored: StoredUploads, id: string): Promise<void> {
    const release = new AbortController();
    await this.#holdWhileShown(stored, id, release.signal);
    const kept = await stored.find(id);
    const isOver = this.#end.signal.aborted || this.#uploads.size >= filesMax;
    // The tab that had it may have sent or removed it.
    if (!kept || isOver) return release.abort();
    const upload = this.#show(id, kept.file, kept.addedAtMs, release);
    const { uploadId, progress, isPaused } = kept;
    upload.uploadId = uploadId;
    this.#change(upload, { progress, isPaused });
    if (!isPaused) this.#start(upload);
  }

  /**
   * Waits for an upload of a tab that is closed or reloaded. Only a page that is looked at waits: the upload belongs to the tab that was
   * reloaded, and a page in the background may stand still.
   */
  async #holdWhileShown(stored: StoredUploads, id: string, until: AbortSignal): Promise<void> {
    for (;;) {
      await whenVisible(true, this.#end.signal);
      const hidden = new AbortController();
      void whenVisible(false, this.#end.signal)
        .catch(() => undefined)
        .finally(() => hidden.abort());
      try {
        return await stored.hold(id, until, hidden.signal);
      } catch (error) {
        if (!hidden.signal.aborted) throw error;
      }
    }
  }
}
