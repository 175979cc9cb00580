import { expect, test } from "bun:test";
import { isMuted, muteChoices } from "../../src/web/muting.ts";

test("a chat is muted until a time, and not at it", () => {
  const now = Date.parse("2026-11-01T12:00:00Z");
  expect(isMuted({ muted_until: null }, now)).toBe(false);
  expect(isMuted({ muted_until: "2026-11-01T12:00:00.001Z" }, now)).toBe(true);
  expect(isMuted({ muted_until: "2026-11-01T12:00:00.000Z" }, now)).toBe(false);
  expect(isMuted({ muted_until: "9999-12-31T23:59:59.999Z" }, now)).toBe(true);
});

test("tomorrow is the morning of the next calendar day, also over the end of a year", () => {
  const [, , tomorrow] = muteChoices(new Date(2026, 11, 31, 23, 59));
  const until = new Date(tomorrow?.until ?? "");
  expect([until.getFullYear(), until.getMonth(), until.getDate(), until.getHours()]).toEqual([
    2027, 0, 1, 8,
  ]);
});

test("hours are hours from now, and for ever is the time that the server takes for it", () => {
  const now = new Date("2026-11-01T12:00:00Z");
  const [hour, eight, , forEver] = muteChoices(now);
  expect(hour?.until).toBe("2026-11-01T13:00:00.000Z");
  expect(eight?.until).toBe("2026-11-01T20:00:00.000Z");
  expect(forEver?.until).toBe("9999-12-31T23:59:59.999Z");
});
