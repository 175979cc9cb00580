// Days as the page names them, in time zones whose clocks change. Each runs in a process of its own, because a time zone
// belongs to the process.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";

const web = join(import.meta.dir, "../../src/web");

/** Runs an expression over `times` in a time zone, in English. */
async function inZone<T>(zone: string, expression: string, schema: z.ZodType<T>): Promise<T> {
  const code = `
    import { calendarDay } from ${JSON.stringify(join(web, "calendar-days.ts"))};
    import * as times from ${JSON.stringify(join(web, "times.ts"))};
    console.log(JSON.stringify(${expression}));
  `;
  const child = Bun.spawn([process.execPath, "-e", code], {
    env: { ...process.env, TZ: zone, LC_ALL: "en_US.UTF-8", LANG: "en_US.UTF-8" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, complained] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(complained);
  return schema.parse(JSON.parse(said));
}

const names = (times: string[], now: string) =>
  `${JSON.stringify(times)}.map((time) => times.dayName(time, new Date(${JSON.stringify(now)})))`;

test.each<[zone: string, now: string, expected: Record<string, string>]>([
  [
    "America/New_York",
    "2026-11-02T09:00:00-05:00",
    {
      "2026-11-02T00:00:00-05:00": "Today",
      "2026-11-01T23:59:00-05:00": "Yesterday",
      "2026-11-01T01:30:00-05:00": "Yesterday",
      "2026-11-01T01:30:00-04:00": "Yesterday",
      "2026-11-01T00:00:00-04:00": "Yesterday",
      "2026-10-31T23:59:00-04:00": "Saturday",
      "2026-10-27T00:00:00-04:00": "Tuesday",
      "2026-10-26T23:59:00-04:00": "October 26, 2026",
    },
  ],
  [
    "America/New_York",
    "2026-03-09T00:10:00-04:00",
    {
      "2026-03-09T00:00:00-04:00": "Today",
      "2026-03-08T00:00:00-05:00": "Yesterday",
      "2026-03-07T23:59:00-05:00": "Saturday",
    },
  ],
  [
    "Europe/Berlin",
    "2026-10-26T00:10:00+01:00",
    {
      "2026-10-25T00:10:00+02:00": "Yesterday",
      "2026-10-25T23:50:00+01:00": "Yesterday",
      "2026-10-24T23:50:00+02:00": "Saturday",
    },
  ],
  // Midnight itself is left out there.
  [
    "America/Sao_Paulo",
    "2018-11-05T08:00:00-02:00",
    {
      "2018-11-04T01:00:00-02:00": "Yesterday",
      "2018-11-03T23:59:00-03:00": "Saturday",
    },
  ],
  // This zone changes its clocks by half an hour.
  [
    "Australia/Lord_Howe",
    "2026-04-06T00:05:00+10:30",
    {
      "2026-04-05T00:05:00+11:00": "Yesterday",
      "2026-04-04T23:55:00+11:00": "Saturday",
    },
  ],
  [
    "Asia/Tokyo",
    "2026-01-01T00:05:00+09:00",
    {
      "2025-12-31T23:55:00+09:00": "Yesterday",
      // A server's clock may be ahead.
      "2026-01-02T00:00:00+09:00": "January 2, 2026",
    },
  ],
])("in %s at %s days are named by the calendar", async (zone, now, expected) => {
  const found = await inZone(zone, names(Object.keys(expected), now), z.array(z.string()));
  expect(found).toEqual(Object.values(expected));
});

test.each([
  "America/New_York",
  "Europe/London",
  "Africa/Cairo",
  "America/Sao_Paulo",
  "Asia/Kathmandu",
])("in %s every hour of three years has the number of its own calendar day", async (zone) => {
  // The local date as Intl writes it, against which the numbers are held.
  const expression = `(() => {
      const format = new Intl.DateTimeFormat("en-CA");
      const days = new Map();
      const end = Date.UTC(2020, 0, 1);
      for (let ms = Date.UTC(2017, 0, 1); ms < end; ms += 3_600_000) {
        const time = new Date(ms);
        const date = format.format(time);
        days.set(date, [...(days.get(date) ?? []), calendarDay(time)]);
      }
      return [...days.values()].map((numbers) => [...new Set(numbers)]);
    })()`;
  const days = await inZone(zone, expression, z.array(z.array(z.number())));
  const [[first = 0] = []] = days;
  expect(days).toEqual(days.map((_, index) => [first + index]));
});

test("a list says the time of day for today, Yesterday, and a date with its year unless it is this one", async () => {
  const times = [
    "2026-11-02T00:05:00-05:00",
    "2026-11-01T00:05:00-04:00",
    "2026-10-31T23:55:00-04:00",
    "2025-12-31T23:55:00-05:00",
  ];
  const now = "2026-11-02T09:00:00-05:00";
  const expression = names(times, now).replace("dayName", "shortTime");
  const found = await inZone("America/New_York", expression, z.array(z.string()));
  expect(found.map((text) => text.replace(/\s/g, " "))).toEqual([
    "12:05 AM",
    "Yesterday",
    "Oct 31",
    "Dec 31, 2025",
  ]);
});
