import { createAlarm, type Alarm } from "./alarm.ts";
import type { Person } from "./room-log.ts";

/** Who writes says so about every 3 s; after this they have stopped. */
const typingMsMax = 5_000;
/** More can't be shown anyway. */
const typistsMax = 50;

/** Who is writing just now. */
export function createTypists(onChange: () => void) {
  const typists = new Map<number, { person: Person; alarm: Alarm }>();

  function remove(userId: number | null) {
    const typist = typists.get(userId ?? 0);
    if (!typist) return;
    typist.alarm.clear();
    typists.delete(typist.person.user_id);
    onChange();
  }

  return {
    add({ user_id, username }: Person) {
      remove(user_id);
      if (typists.size >= typistsMax) return;
      const alarm = createAlarm();
      alarm.set(typingMsMax, () => remove(user_id));
      typists.set(user_id, { person: { user_id, username }, alarm });
      onChange();
    },
    remove,
    list: (): readonly Person[] => Array.from(typists.values(), ({ person }) => person),
    clear() {
      for (const userId of typists.keys()) remove(userId);
    },
  };
}
