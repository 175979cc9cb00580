// The outbox's reaction to each reply of a server. The replies are scripted here.
import { expect, test } from "bun:test";
import { Outbox } from "../../src/client/outbox.ts";
import type { Sendable } from "../../src/client/requests.ts";
import type { ServerFrame } from "../../src/wire/server-frames.ts";

const ack: ServerFrame = { type: "ack", request_id: 1, message_id: 7, seq: 3 };
const refusal = (code: string, retry_after?: number): ServerFrame => ({
  type: "error",
  code,
  detail: "No.",
  retry_after,
});

/** An outbox to a server that answers what is written, and then nothing. */
function outboxTo(replies: (ServerFrame | undefined)[]) {
  const sent: Sendable[] = [];
  const pauses: number[] = [];
  const outbox = new Outbox({
    connection: {
      isOpen: true,
      request(frame, _, replied) {
        sent.push(frame);
        if (replies.length > 0) queueMicrotask(() => replied(replies.shift()));
      },
    },
    timing: { replyMs: 1_000, giveUpMs: 10_000 },
    pauseMs(tries) {
      pauses.push(tries);
      return 0;
    },
    onChange: () => undefined,
    signedIn: () => true,
    onStored: () => false,
  });
  return { outbox, sent, pauses };
}

test.each(["flood", "rate_limited", "unavailable", "invalid_token"])(
  "after %s a message is sent again, later each time, under the same client_id",
  async (code) => {
    const { outbox, sent, pauses } = outboxTo([refusal(code), undefined, refusal(code, 0), ack]);
    const { settled, clientId } = outbox.send(1, "Hello!");
    expect(await settled).toEqual({ ok: true, message_id: 7, seq: 3 });
    expect(sent).toEqual(
      Array.from({ length: 4 }, () => ({
        type: "message",
        chat_id: 1,
        content: "Hello!",
        client_id: clientId,
      })),
    );
    expect(pauses).toEqual([0, 1]);
    expect(outbox.pendingOf(1)).toEqual([]);
  },
);

test.each([
  ["invalid", undefined],
  ["not_found", undefined],
  ["client_id_reused", undefined],
  ["bot_not_configured", undefined],
  ["internal", undefined],
  ["some_new_code", undefined],
  // A pause of a day is a refusal.
  ["flood", 86_400],
])("%s with retry_after %p is final, and the next message goes out", async (code, seconds) => {
  const { outbox } = outboxTo([refusal(code, seconds), ack]);
  const first = outbox.send(1, "one");
  const second = outbox.send(1, "two");
  expect(await first.settled).toMatchObject({
    ok: false,
    problem: { code, detail: "No.", retryAfterSeconds: seconds },
  });
  expect(await second.settled).toMatchObject({ ok: true });
  expect(outbox.pendingOf(1)).toMatchObject([{ content: "one", state: "failed" }]);
});

test("a message that is seen in the room needs no reply any more, and makes way", async () => {
  const { outbox, sent } = outboxTo([]);
  const first = outbox.send(1, "one");
  outbox.send(1, "two");
  expect(sent.length).toBe(1);
  // Another chat's message with the same id is not it.
  outbox.seen(2, first.clientId, 8, 4);
  expect(sent.length).toBe(1);
  outbox.seen(1, first.clientId, 7, 3);
  expect(await first.settled).toEqual({ ok: true, message_id: 7, seq: 3 });
  expect(sent).toMatchObject([{ content: "one" }, { content: "two" }]);
});

test("chats don't wait for each other", () => {
  const { outbox, sent } = outboxTo([]);
  outbox.send(1, "one");
  outbox.send(2, "two");
  expect(sent).toMatchObject([{ chat_id: 1 }, { chat_id: 2 }]);
});
