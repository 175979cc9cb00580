import { describe, expect, test } from "bun:test";
import {
  answer,
  answerAndHang,
  blockPrompt,
  cut,
  event,
  failInside,
  finish,
  refuse,
  say,
  think,
  together,
  type Script,
} from "../world/gemini/script.ts";
import { labelOf, speakerCode } from "../../src/answers/text/speaker-labels.ts";
import { useWorld } from "../world/world.ts";
import { whenAborted } from "./asking.ts";
import { answerEnds, lastRequest, room, type EndedStatus } from "./room.ts";

const world = useWorld();

/** Text that may stand in the operator's log, and that no person may see. */
const secret =
  "Consumer 'api_key:test-key' at https://generativelanguage.googleapis.com/v1 internal";

interface Case {
  how: string;
  script: Script | Script[];
  status: EndedStatus;
  text: string;
  error: RegExp;
}

const half = "Half an ";
const cases: Case[] = [
  {
    how: "whose connection is cut",
    script: answer(say(half), cut()),
    status: "failed",
    text: half,
    error: /connection|broke off/,
  },
  {
    how: "that ends without a finish reason",
    script: answer(say(half)),
    status: "failed",
    text: half,
    error: /broke off/,
  },
  {
    how: "in which an error is told",
    script: answer(say(half), failInside(500, secret)),
    status: "failed",
    text: half,
    error: /not available|broke off/,
  },
  {
    how: "that is refused for its key",
    script: refuse(403, { message: secret }),
    status: "failed",
    text: "",
    error: /key/,
  },
  {
    how: "that is refused for the chat's thinking budget",
    script: refuse(400, { message: `The thinking budget (9) is invalid. ${secret}` }),
    status: "failed",
    text: "",
    error: /setting thinking_budget/,
  },
  {
    how: "that is refused for the length of its prompt",
    script: refuse(400, {
      message: `The input token count (2000000) exceeds the maximum number of tokens allowed (1048576). ${secret}`,
    }),
    status: "failed",
    text: "",
    error: /too long .*2,000,000 .*GEMINI_CONTEXT_TOKENS/,
  },
  {
    how: "that is refused again and again",
    script: Array.from({ length: 3 }, () => refuse(503, { message: secret })),
    status: "failed",
    text: "",
    error: /try again/,
  },
  {
    how: "of thoughts only",
    script: answer(think("Hidden."), finish()),
    status: "failed",
    text: "",
    error: /empty/,
  },
  {
    how: "of white space only",
    script: answer(say(" "), say("\n\n"), finish()),
    status: "failed",
    text: "",
    error: /empty/,
  },
  {
    how: "of white space that breaks off",
    script: answer(say("\n")),
    status: "failed",
    text: "",
    error: /broke off/,
  },
  {
    how: "of white space up to its length limit",
    script: answer(say("\n"), finish("MAX_TOKENS")),
    status: "truncated",
    text: "",
    error: /length/,
  },
  {
    how: "with a reason that nobody knows",
    script: answer(say(half), finish("OTHER")),
    status: "failed",
    text: half,
    error: /stopped/,
  },
  {
    how: "to a forbidden question",
    script: answer(blockPrompt("SAFETY")),
    status: "blocked",
    text: "",
    error: /safety/,
  },
  {
    how: "that turns out forbidden",
    script: answer(say(half), finish("SAFETY")),
    status: "blocked",
    text: half,
    error: /safety/,
  },
  {
    how: "at its length limit",
    script: answer(together(say(half), finish("MAX_TOKENS"))),
    status: "truncated",
    text: half,
    error: /length/,
  },
];

describe("an answer", () => {
  test.each(cases)(
    "$how ends as $status, with the text so far and a sentence for people",
    async ({ script, status, text, error }) => {
      const { chat, anna, annas, messages } = await room(world);
      world.gemini.respondWith(...[script].flat());
      await anna.say(chat.id, "/bot well?");
      const shown = await answerEnds(annas);
      expect(shown.text).toBe(text);
      expect(shown.last.status).toBe(status);
      expect(shown.last.error).toMatch(error);
      expect(shown.last.error).toMatch(/^[A-Z].*\.$/);
      expect(JSON.stringify(annas.frames)).not.toMatch(/test-key|https?:|127\.0\.0\.1|Consumer/);
      expect((await messages())[1]).toMatchObject({
        id: shown.messageId,
        status,
        content: text,
        updated_seq: shown.last.updated_seq,
      });
      // The room goes on.
      world.gemini.respondWith(answer(say("Better."), finish()));
      await anna.say(chat.id, "/bot and now?");
      expect((await answerEnds(annas)).last).toMatchObject({ status: "complete", updated_seq: 6 });
    },
  );

  test.each([
    ["a speaker label", (label: string) => [label]],
    ["labels among white space", (label: string) => [" ", label, "\n", label.trim(), " \n"]],
  ])("of %s alone is the empty answer, and of one before a text the text", async (_, said) => {
    const { chat, anna, annas, messages } = await room(world);
    const pieces = said(labelOf(speakerCode(world.ctx.config.secretKey, chat.id), anna.username));
    world.gemini.respondWith(answer(...pieces.map((text) => say(text)), finish()));
    await anna.say(chat.id, "/bot well?");
    const { text, last } = await answerEnds(annas);
    expect(text).toBe("");
    expect(last).toMatchObject({ status: "failed", error: expect.stringContaining("empty") });
    world.gemini.respondWith(answer(...[...pieces, "Yes."].map((text) => say(text)), finish()));
    await anna.say(chat.id, "/bot and now?");
    expect((await answerEnds(annas)).text.trim()).toBe("Yes.");
    expect((await messages()).map(({ status }: { status: string }) => status)).toEqual([
      "complete",
      "failed",
      "complete",
      "complete",
    ]);
  });

  test("that goes on without end is cut, and no more of it is fetched", async () => {
    const { chat, anna, annas, messages } = await room(world);
    world.gemini.respondWith(answerAndHang(say("é"), say("🦊".repeat(500_000))));
    await anna.say(chat.id, "/bot recite everything");
    const shown = await answerEnds(annas);
    expect(shown.last.status).toBe("truncated");
    expect(shown.last.error).toContain("too long");
    expect(shown.text).toBe(`é${"🦊".repeat(49_999)}`);
    expect((await messages())[1].content).toBe(shown.text);
    await whenAborted(lastRequest(world).aborted);
  });

  test("keeps characters whole that come in halves, and replaces what no text can hold", async () => {
    const { chat, anna, annas, messages } = await room(world);
    world.gemini.respondWith(
      answer(
        say("nul \0 half \ud83d"),
        say("\ude00 whole"),
        say(" alone \udead end \ud83d"),
        finish(),
      ),
    );
    await anna.say(chat.id, "/bot odd ones");
    const shown = await answerEnds(annas);
    expect(shown.text).toBe("nul \ufffd half 😀 whole alone \ufffd end \ufffd");
    expect(shown.last.status).toBe("complete");
    for (const { chunk } of shown.chunks) expect(chunk.isWellFormed()).toBe(true);
    expect((await messages())[1].content).toBe(shown.text);
  });

  test("tells what it cost, also when it was cut short", async () => {
    const { chat, anna, annas } = await room(world);
    const usageMetadata = {
      promptTokenCount: 7,
      candidatesTokenCount: 2,
      thoughtsTokenCount: 5,
      cachedContentTokenCount: 4,
      totalTokenCount: 14,
    };
    world.gemini.respondWith(
      answer(say("So"), event({ candidates: [{ finishReason: "MAX_TOKENS" }], usageMetadata })),
    );
    await anna.say(chat.id, "/bot cost?");
    expect((await answerEnds(annas)).last).toMatchObject({
      status: "truncated",
      usage: {
        prompt_tokens: 7,
        answer_tokens: 2,
        thoughts_tokens: 5,
        cached_tokens: 4,
        total_tokens: 14,
      },
    });
  });
});
