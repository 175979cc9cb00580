import type { Person } from "./room-log.ts";

/** Who writes says so about every 3 s; after this they have stopped. */
const typingMsMax = 5_000;
/** More can't be shown anyway. */
const typistsMax = 50;

/** Who is writing just now. */
export function createTypists(onChange: () => void) {
  const typists = new Map<number, { person: Person; timer: ReturnType<typeof setTimeout> }>();

  function remove(userId: number | null) {
    const typist = userId === null ? undefined : typists.get(userId);
    if (!typist || userId === null) return;
    clearTimeout(typist.timer);
    typists.delete(userId);
    onChange();
  }

  return {
    add({ user_id, username }: Person) {
      clearTimeout(typists.get(user_id)?.timer);
      if (typists.size >= typistsMax && !typists.has(user_id)) return;
      const timer = setTimeout(() => remove(user_id), typingMsMax);
      typists.set(user_id, { person: { user_id, username }, timer });
      onChange();
    },
    remove,
    list: (): readonly Person[] => Array.from(typists.values(), ({ person }) => person),
    clear() {
      for (const { timer } of typists.values()) clearTimeout(timer);
      typists.clear();
    },
  };
}
