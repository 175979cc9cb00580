// The demonstration is a StreamAnswer like Gemini's: the text says what it is, and it ends when it's told to.
import { describe, expect, test } from "bun:test";
import { createDemonstration } from "../../src/model/demonstration.ts";
import type { Delta, Turn } from "../../src/model/stream-answer.ts";
import { neverAborted, prompt } from "../answers/asking.ts";

const ask = createDemonstration({ pieceDelayMs: 0 });

async function answerTo(...turns: Turn[]) {
  const deltas: Delta[] = [];
  for await (const delta of ask({ ...prompt, system: "", turns }, neverAborted)) deltas.push(delta);
  const text = deltas.map((delta) => ("text" in delta ? delta.text : "")).join("");
  const usage = deltas.findLast((delta) => "usage" in delta);
  return { deltas, text, usage };
}
const user = (text: string): Turn => ({ role: "user", text });

describe("the demonstration", () => {
  test("says that it is not Gemini, quotes the question, streams in pieces and ends once", async () => {
    const { deltas, text } = await answerTo(user("Why is the sky blue?"));
    expect(text).toContain("offline demonstration, not Gemini");
    expect(text).toContain("“Why is the sky blue?”");
    expect(deltas.filter((delta) => "text" in delta).length).toBeGreaterThan(3);
    expect(deltas.filter((delta) => "ending" in delta)).toEqual([
      { ending: { status: "complete" } },
    ]);
    expect(deltas.at(-1)).toEqual({ ending: { status: "complete" } });
  });

  test("counts the tokens of the texts", async () => {
    const { text, usage } = await answerTo(user("x".repeat(40)));
    const answerTokens = Math.ceil(text.length / 4);
    expect(usage).toEqual({
      usage: {
        prompt_tokens: 10,
        answer_tokens: answerTokens,
        thoughts_tokens: 0,
        cached_tokens: 0,
        total_tokens: 10 + answerTokens,
      },
    });
  });

  test("quotes only the last line, shortened, without a speaker label or half a character", async () => {
    const { text } = await answerTo(user("someone else\n[#1f2e3d4c anna] " + "🦊".repeat(500)));
    expect(text).toContain(`“${"🦊".repeat(79)}…”`);
    expect(text).not.toContain("someone else");
    expect(text).not.toContain("1f2e3d4c");
  });

  test("goes on with an answer that broke off", async () => {
    const question = user("Why?");
    const { text: whole } = await answerTo(question);
    const kept = whole.slice(0, 50);
    const request = user("Your answer above broke off at its last character.");
    const { text: rest } = await answerTo(question, { role: "model", text: kept }, request);
    expect(kept + rest).toBe(whole);
  });

  test("throws the reason of its signal once it is aborted", async () => {
    const aborted = new AbortController();
    const reason = new Error("stopped by a person");
    const pieces = createDemonstration({ pieceDelayMs: 60_000 })(prompt, aborted.signal);
    const next = pieces[Symbol.asyncIterator]().next();
    aborted.abort(reason);
    await expect(next).rejects.toBe(reason);
  });
});
