import type { UserPresence } from "../client/presence.ts";
import { useSnapshot } from "./observing.ts";
import { useServices } from "./services.ts";
import { clockTime, dayName } from "./times.ts";

export function usePresenceOf(userId: number | undefined): UserPresence | undefined {
  const { people } = useSnapshot(useServices().watched.presence);
  return userId === undefined ? undefined : people.get(userId);
}

/** `online`, `away`, `offline`, `last seen today at 14:05` */
export function presenceWords({ status, last_seen_at }: UserPresence, now = new Date()): string {
  if (status !== "offline") return status;
  if (last_seen_at === null) return "offline";
  const day = dayName(last_seen_at, now);
  const shown = /^(Today|Yesterday)$/.test(day) ? day.toLowerCase() : day;
  return `last seen ${shown} at ${clockTime(last_seen_at)}`;
}

/** A disc for online, a crescent for away, a ring for offline, with the words for screen readers. Nothing while it is unknown. */
export function PresenceDot({ userId }: { userId: number | undefined }) {
  const person = usePresenceOf(userId);
  if (!person) return null;
  const words = presenceWords(person);
  return (
    <span class={`presence ${person.status}`} title={words}>
      <span class="visually-hidden">
        {person.status === "offline" && person.last_seen_at !== null ? `offline, ${words}` : words}
      </span>
    </span>
  );
}
