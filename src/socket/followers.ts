// The sockets that follow the activity of chats, of which a person may have hundreds. In Bun's topics, each of these
// subscriptions takes 130 bytes, in these arrays about 16.
import { activityTopic, mergedName } from "../realtime/topics.ts";

/** Merged sockets are sent other texts than lean ones. */
export interface FollowerForm {
  readonly isMerged: boolean;
}

export interface FollowersWatch {
  /**
   * A socket follows a chat, or would if it did not already.
   * @param members the number of a change of the chat or of its people as of which the person is in it; undefined if it is not known
   */
  followed(chatId: number, userId: number, members: number | undefined): void;
  /** The first socket of a form follows a chat, or the last one does not any more. */
  moved(chatId: number, form: FollowerForm, isFollowed: boolean): void;
}

export class Followers<Socket> {
  readonly #sockets = new Map<string, Socket[]>();
  #watch: FollowersWatch | undefined;

  watch(watch: FollowersWatch): void {
    this.#watch = watch;
  }

  /** See {@link FollowersWatch.followed}. */
  note(chatId: number, userId: number, members: number | undefined): void {
    this.#watch?.followed(chatId, userId, members);
  }

  /** Adds a socket that does not follow the chat yet. {@link note} has to follow. */
  add(chatId: number, form: FollowerForm, ws: Socket): void {
    const sockets = this.#sockets.getOrInsertComputed(nameOf(chatId, form), () => []);
    sockets.push(ws);
    if (sockets.length === 1) this.#watch?.moved(chatId, form, true);
  }

  remove(chatId: number, form: FollowerForm, ws: Socket): void {
    const name = nameOf(chatId, form);
    const sockets = this.#sockets.get(name);
    const place = sockets?.indexOf(ws) ?? -1;
    if (!sockets || place < 0) return;
    const last = sockets.pop();
    if (last !== undefined && last !== ws) sockets[place] = last;
    if (sockets.length > 0) return;
    this.#sockets.delete(name);
    this.#watch?.moved(chatId, form, false);
  }

  /** Whether a socket of any form follows a chat. */
  has(chatId: number): boolean {
    const { name } = activityTopic(chatId);
    return this.#sockets.has(name) || this.#sockets.has(mergedName(activityTopic(chatId)));
  }

  /** @param name the topic's, or that of its merged sockets */
  count(name: string): number {
    return this.#sockets.get(name)?.length ?? 0;
  }

  /** A copy: a socket that is closed while it is sent to does not follow any more. */
  of(name: string): Socket[] {
    return this.#sockets.get(name)?.slice() ?? [];
  }
}

function nameOf(chatId: number, { isMerged }: FollowerForm): string {
  const topic = activityTopic(chatId);
  return isMerged ? mergedName(topic) : topic.name;
}
