import type { ChatPreferences } from "../wire/chats.ts";

const hourMs = 60 * 60_000;
const morningHour = 8;
/** The time that the server takes for ever. */
const forEver = "9999-12-31T23:59:59.999Z";

export function isMuted({ muted_until }: Pick<ChatPreferences, "muted_until">, now = Date.now()) {
  return muted_until !== null && Date.parse(muted_until) > now;
}

export interface MuteChoice {
  label: string;
  until: string;
}

/** The choices for how long a chat is muted. Tomorrow begins in the morning of the person's next calendar day. */
export function muteChoices(now = new Date()): MuteChoice[] {
  const inHours = (hours: number) => new Date(now.getTime() + hours * hourMs).toISOString();
  const { year, month, day } = {
    year: now.getFullYear(),
    month: now.getMonth(),
    day: now.getDate(),
  };
  const tomorrow = new Date(year, month, day + 1, morningHour).toISOString();
  return [
    { label: "Mute for 1 hour", until: inHours(1) },
    { label: "Mute for 8 hours", until: inHours(8) },
    { label: "Mute until tomorrow morning", until: tomorrow },
    { label: "Mute for ever", until: forEver },
  ];
}
