/** Every day of UTC has this length, whatever the clocks do elsewhere. */
const utcDayMs = 24 * 60 * 60 * 1_000;

/** The number of a time's calendar day in the reader's time zone. Consecutive days have consecutive numbers. */
export function calendarDay(time: Date): number {
  const midnight = new Date(0);
  midnight.setUTCFullYear(time.getFullYear(), time.getMonth(), time.getDate());
  return midnight.getTime() / utcDayMs;
}
