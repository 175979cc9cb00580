import { createAlarm } from "./alarm.ts";
import type { Person } from "./room-log.ts";

/** Who writes says so about every 3 s; after this they have stopped. */
const typingMsMax = 5_000;

/** Who is writing just now: each participant once at most. */
export function createTypists(onChange: () => void) {
  let typists: readonly (Person & { sinceMs: number })[] = [];
  const alarm = createAlarm();

  function set(next: typeof typists) {
    typists = next;
    onChange();
  }

  /** Those who still write, but for one. */
  function others(userId: number | null) {
    const sinceMsMin = Date.now() - typingMsMax;
    return typists.filter((typist) => typist.user_id !== userId && typist.sinceMs > sinceMsMin);
  }

  return {
    add({ user_id, username }: Person) {
      set([...others(user_id), { user_id, username, sinceMs: Date.now() }]);
      alarm.set(typingMsMax, () => set([]));
    },
    remove(userId: number | null) {
      set(others(userId));
    },
    list: (): readonly Person[] => typists,
    clear() {
      alarm.clear();
      set([]);
    },
  };
}
