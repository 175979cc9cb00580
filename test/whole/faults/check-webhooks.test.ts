import { describe, expect, test } from "bun:test";
import { checkWebhooks } from "./check-webhooks.ts";
import { chatId, goodHistory } from "./good-history.ts";
import type { WebhookRecord } from "./history.ts";

const types = [
  "message.created",
  "participant.removed",
  "message.created",
  "answer.started",
  "participant.added",
  "answer.ended",
  "chat.updated",
  "message.created",
];

/** All that happens in the good history. */
function goodRecord(): WebhookRecord {
  return {
    chatId,
    after: 0,
    isAllTold: true,
    events: types.map((type, index) => ({
      id: `msg_${index + 1}`,
      type,
      seq: index + 1,
      isTaken: true,
      isVerified: true,
    })),
  };
}

function rulesOf(spoil: (record: WebhookRecord) => unknown): string[] {
  const record = goodRecord();
  spoil(record);
  const { history } = goodHistory();
  return checkWebhooks({ ...history, webhooks: [record] }).map(({ rule }) => rule);
}

test("a webhook that was told of everything breaks no rule, nor one that was told twice", () => {
  expect(rulesOf(() => {})).toEqual([]);
  expect(rulesOf(({ events }) => events.splice(2, 0, { ...events[2]!, isTaken: false }))).toEqual(
    [],
  );
});

test("doubles of the last run may come once more, after newer events", () => {
  expect(rulesOf(({ events }) => events.splice(5, 0, ...events.slice(2, 5)))).toEqual([]);
});

test.each([
  [92, false],
  [93, true],
])("a double after %i more events: is it too late? %p", (count, isTooLate) => {
  const rules = rulesOf(({ events }) => {
    const [first] = events;
    const more = Array.from({ length: count }, (_, n) => ({ id: `msg_${n + 9}`, seq: n + 9 }));
    events.push(...more.map((event) => ({ ...first!, ...event })), first!);
  });
  expect(rules.includes("webhook told again of what had long been taken")).toBe(isTooLate);
});

describe("the checker sees", () => {
  test.each<[string, string, (record: WebhookRecord) => unknown]>([
    ["an event that was lost", "webhook not told", ({ events }) => events.splice(3, 1)],
    [
      "an event that was refused and not sent again",
      "webhook not told",
      ({ events }) => Object.assign(events[3]!, { isTaken: false }),
    ],
    [
      "events in another order",
      "webhook told out of order",
      ({ events }) => events.splice(3, 2, events[4]!, events[3]!),
    ],
    [
      "an event that was refused, and sent again after a newer one",
      "webhook told out of order",
      ({ events }) => {
        events.splice(5, 0, { ...events[3]! });
        Object.assign(events[3]!, { isTaken: false });
      },
    ],
    [
      "a double with another id",
      "webhook told twice with another id",
      ({ events }) => events.splice(2, 0, { ...events[2]!, id: "msg_other" }),
    ],
    [
      "two events with one id",
      "webhook told of two events with one id",
      ({ events }) => Object.assign(events[3]!, { id: "msg_1" }),
    ],
    [
      "an event of another kind",
      "webhook told of what was not",
      ({ events }) => Object.assign(events[1]!, { type: "participant.added" }),
    ],
    [
      "a wrong signature",
      "webhook with a wrong signature",
      ({ events }) => Object.assign(events[1]!, { isVerified: false }),
    ],
    [
      "events that are still on their way",
      "webhook not told in time",
      (record) => Object.assign(record, { isAllTold: false }),
    ],
  ])("%s", (_, rule, spoil) => {
    expect(rulesOf(spoil)).toEqual([rule]);
  });
});
