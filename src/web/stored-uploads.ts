// Files that are being uploaded, kept in IndexedDB, so that their uploads go on after a reload. Browsers have it where they have Web
// Locks: on pages over HTTPS and of the own machine.
const databaseName = "gemini-coop-uploads";
const storeName = "uploads";
/** As long as the server keeps an upload that no message takes. */
const ageMsMax = 24 * 60 * 60 * 1_000;
/** For all people of the browser together; the uploads of further files are not kept. */
const entriesMax = 30;

/** A file that a person has added to a message in a chat, and not sent yet. */
export interface StoredUpload {
  /** The client id of the upload. */
  id: string;
  userId: number;
  chatId: number;
  file: File;
  /** Undefined before the server has begun it. */
  uploadId: string | undefined;
  /** The part that was sent when the upload was kept, from 0 to 1. */
  progress: number;
  isPaused: boolean;
  addedAtMs: number;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser stores nothing."));
  });
}

const isOld = ({ addedAtMs }: StoredUpload) => addedAtMs < Date.now() - ageMsMax;

/** The uploads that the browser keeps, for all tabs. */
export class StoredUploads {
  #opened: Promise<IDBDatabase> | undefined;

  /** @returns undefined where uploads can't be kept */
  static open(): StoredUploads | undefined {
    return "locks" in navigator && "indexedDB" in globalThis ? new StoredUploads() : undefined;
  }

  /** Keeps a file and what is known of it now. @throws where the browser has no place for it */
  async keep(upload: StoredUpload): Promise<void> {
    const store = await this.#store("readwrite");
    const isKnown = (await settled(store.count(upload.id))) > 0;
    if (isKnown || (await settled(store.count())) < entriesMax) await settled(store.put(upload));
  }

  async find(id: string): Promise<StoredUpload | undefined> {
    return await settled((await this.#store("readonly")).get(id));
  }

  async drop(id: string): Promise<void> {
    await settled((await this.#store("readwrite")).delete(id));
  }

  /** Drops all that a person has not sent. */
  async dropOf(userId: number): Promise<void> {
    const store = await this.#store("readwrite");
    const all: StoredUpload[] = await settled(store.getAll());
    for (const { id } of all.filter((each) => each.userId === userId)) store.delete(id);
  }

  /** Drops what was added more than a day ago. */
  async dropOld(): Promise<void> {
    const store = await this.#store("readwrite");
    const all: StoredUpload[] = await settled(store.getAll());
    for (const { id } of all.filter(isOld)) store.delete(id);
  }

  /** The chats in which a person has added files. */
  async chatIdsOf(userId: number): Promise<Set<number>> {
    const all: StoredUpload[] = await settled((await this.#store("readonly")).getAll());
    return new Set(all.filter((each) => each.userId === userId).map(({ chatId }) => chatId));
  }

  /** The files that a person has added in a chat, the first one first. */
  async list(userId: number, chatId: number): Promise<StoredUpload[]> {
    const all: StoredUpload[] = await settled((await this.#store("readonly")).getAll());
    return all
      .filter((each) => each.userId === userId && each.chatId === chatId && !isOld(each))
      .toSorted((one, other) => one.addedAtMs - other.addedAtMs);
  }

  /**
   * Waits until no other tab has an upload, and holds it.
   * @param until ends the hold, and the wait
   * @param giveUp ends the wait only
   * @throws the reason of the signal that has ended the wait
   */
  hold(id: string, until: AbortSignal, giveUp = until): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.any([until, giveUp]);
      navigator.locks
        .request(`gemini-coop-upload:${id}`, { signal }, () => {
          resolve();
          return new Promise<void>((end) => until.addEventListener("abort", () => end()));
        })
        .catch(reject);
    });
  }

  async #store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
    this.#opened ??= this.#open();
    try {
      const database = await this.#opened;
      return database.transaction(storeName, mode).objectStore(storeName);
    } catch (error) {
      // The browser refuses it, or has closed it: the next call opens it again.
      this.#opened = undefined;
      throw error;
    }
  }

  #open(): Promise<IDBDatabase> {
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(storeName, { keyPath: "id" });
    return settled(request);
  }
}
