// Formats times in the reader's language and time zone. Days are the reader's calendar days: a day on which the clocks
// change is 23 or 25 hours long, so that a difference in milliseconds does not tell how many days ago something was.
import { useEffect, useState } from "preact/hooks";
import { calendarDay } from "./calendar-days.ts";

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const shortDateWithYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** How often the page looks whether midnight has passed. */
const todayCheckMs = 60_000;
const nowCheckMs = 30_000;

/** Negative for a day in the future. */
function daysAgo(time: Date, now: Date): number {
  return calendarDay(now) - calendarDay(time);
}

export function clockTime(time: string): string {
  return clock.format(new Date(time));
}

export function fullTime(time: string): string {
  return full.format(new Date(time));
}

/** Today, Yesterday, the weekday for the days of the last week, else the date. */
export function dayName(time: string, now = new Date()): string {
  const when = new Date(time);
  const days = daysAgo(when, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return days > 1 && days < 7 ? weekday.format(when) : date.format(when);
}

/** A time in few characters, for a list: the time of day for today, else the day, with its year unless it is this one. */
export function shortTime(time: string, now = new Date()): string {
  const when = new Date(time);
  const days = daysAgo(when, now);
  if (days === 0) return clock.format(when);
  if (days === 1) return "Yesterday";
  const isThisYear = when.getFullYear() === now.getFullYear();
  return (isThisYear ? shortDate : shortDateWithYear).format(when);
}

/** The number of the current calendar day. A component that uses it is rendered again when midnight has passed. */
export function useToday(): number {
  const [today, setToday] = useState(() => calendarDay(new Date()));
  useEffect(() => {
    const timer = setInterval(() => setToday(calendarDay(new Date())), todayCheckMs);
    return () => clearInterval(timer);
  }, []);
  return today;
}

/** The current time; a component that uses it is rendered again twice a minute. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), nowCheckMs);
    return () => clearInterval(timer);
  }, []);
  // A preference may be newer than the last tick.
  return Math.max(now, Date.now());
}
