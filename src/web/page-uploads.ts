import type { Attachments } from "../client/attachments.ts";
import type { Session } from "../client/session.ts";
import { RoomUploads } from "./room-uploads.ts";
import type { StoredUploads } from "./stored-uploads.ts";
import { UploadQueue } from "./upload-queue.ts";

/** Milliseconds after which the page has time to drop old files, and to go on with the uploads of rooms that are not shown. */
const startMs = 3_000;

/** The uploads of all rooms of the page. */
export class PageUploads {
  readonly #attachments: Attachments;
  readonly #queue = new UploadQueue();
  readonly #rooms = new Map<number, RoomUploads>();
  #userId: number | undefined;
  #stored: Promise<StoredUploads | undefined> | undefined;

  constructor(attachments: Attachments, session: Pick<Session, "subscribe" | "getSnapshot">) {
    this.#attachments = attachments;
    session.subscribe(() => this.#follow(session.getSnapshot().user?.id));
    setTimeout(() => void this.#takeUp(), startMs);
  }

  of(userId: number, chatId: number): RoomUploads {
    this.#follow(userId);
    const parts = {
      attachments: this.#attachments,
      queue: this.#queue,
      loadStored: () => this.#loadStored(),
    };
    const room = this.#rooms.get(chatId) ?? new RoomUploads(parts, { userId, chatId });
    this.#rooms.set(chatId, room);
    return room;
  }

  /** The room is no longer shown. Its uploads go on. */
  leave(chatId: number): void {
    const room = this.#rooms.get(chatId);
    if (!room || room.getSnapshot().length > 0) return;
    room.close();
    this.#rooms.delete(chatId);
  }

  /** However a session ends, the files of its person are removed. */
  #follow(userId: number | undefined): void {
    const before = this.#userId;
    this.#userId = userId;
    if (before === undefined || before === userId) return;
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
    void this.#loadStored()
      .then((stored) => stored?.dropOf(before))
      .catch(() => undefined);
  }

  /** Drops old files, and takes over the uploads of rooms that the page does not show. */
  async #takeUp(): Promise<void> {
    try {
      const stored = await this.#loadStored();
      await stored?.dropOld();
      const userId = this.#userId;
      if (!stored || userId === undefined) return;
      const chatIds = await stored.chatIdsOf(userId);
      if (this.#userId === userId) for (const chatId of chatIds) this.of(userId, chatId);
    } catch {
      // A browser that refuses it has none.
    }
  }

  async #loadStored(): Promise<StoredUploads | undefined> {
    this.#stored ??= import("./stored-uploads.ts").then(({ StoredUploads }) =>
      StoredUploads.open(),
    );
    try {
      return await this.#stored;
    } catch {
      this.#stored = undefined;
      return undefined;
    }
  }
}
