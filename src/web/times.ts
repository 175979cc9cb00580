// Times as the reader's own language and time zone write them.
const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

const dayMs = 24 * 60 * 60 * 1_000;

function daysAgo(time: Date): number {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  return Math.ceil((midnight.getTime() - time.getTime()) / dayMs);
}

export function clockTime(time: string): string {
  return clock.format(new Date(time));
}

export function fullTime(time: string): string {
  return full.format(new Date(time));
}

/** Today, Yesterday, a weekday of the last week, or a date. */
export function dayOf(time: string): string {
  const when = new Date(time);
  const days = daysAgo(when);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return days < 7 ? weekday.format(when) : date.format(when);
}

/** As short as a list wants it: the time of today, else the day. */
export function shortTime(time: string): string {
  const when = new Date(time);
  const days = daysAgo(when);
  if (days <= 0) return clock.format(when);
  return days === 1 ? "Yesterday" : shortDate.format(when);
}
