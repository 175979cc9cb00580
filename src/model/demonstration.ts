// The demonstration that answers `/bot` while no Gemini key is set: a text that says so, streamed piece by piece.
import { setTimeout as delay } from "node:timers/promises";
import type { StreamAnswer, Usage } from "./stream-answer.ts";

const quotedCharactersMax = 80;
const wordsPerPiece = 4;

/**
 * Makes a StreamAnswer that asks nobody and counts tokens as estimates.
 * @param pieceDelayMs the delay before each piece of text
 * @param ofPictures whether it stands for a model that makes pictures
 */
export function createDemonstration({ pieceDelayMs = 50, ofPictures = false } = {}): StreamAnswer {
  return async function* ({ system, turns }, signal) {
    const texts = turns.map(({ text }) => text);
    const promptTokens = [system, ...texts].reduce((sum, text) => sum + estimateTokens(text), 0);
    let said = "";
    for (const text of demonstrationPieces(texts, ofPictures ? pictureText : textFor)) {
      await delay(pieceDelayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      said += text;
      yield { usage: usageOf(promptTokens, estimateTokens(said)) };
      yield { text };
    }
    yield { ending: { status: "complete" } };
  };
}

/**
 * The demonstration's answer to a conversation, in pieces. It names the question, and goes on with an answer that
 * broke off.
 * @param conversation the texts of the turns; the question is the last one
 */
export function demonstrationPieces(conversation: string[], textOf = textFor): string[] {
  const [before = "", begun = "", last = ""] = ["", "", ""].concat(conversation).slice(-3);
  // In a request to continue, the unfinished answer stands before the last turn, and its question before that.
  const whole = textOf(before);
  const continues = last.includes("broke off") && begun !== "" && whole.startsWith(begun);
  const words = (continues ? whole.slice(begun.length) : textOf(last)).match(/\S+\s*/g) ?? [];
  const pieces: string[] = [];
  for (let at = 0; at < words.length; at += wordsPerPiece) {
    pieces.push(words.slice(at, at + wordsPerPiece).join(""));
  }
  return pieces;
}

/** Estimates tokens at four characters each: https://ai.google.dev/gemini-api/docs/tokens */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

function usageOf(promptTokens: number, answerTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    answer_tokens: answerTokens,
    thoughts_tokens: 0,
    cached_tokens: 0,
    total_tokens: promptTokens + answerTokens,
  };
}

function textFor(question: string): string {
  return (
    "This is an offline demonstration, not Gemini: the server runs without a Gemini key. " +
    `You asked: “${shortened(question)}”. ` +
    "With GEMINI_API_KEY set, Gemini itself would answer here, piece by piece, for everyone in the room."
  );
}

function pictureText(question: string): string {
  return (
    "This is an offline demonstration, not Gemini: the server runs without a Gemini key. " +
    `You asked for a picture of “${shortened(question)}”. ` +
    "With GEMINI_API_KEY and GEMINI_IMAGE_MODEL set, Gemini would draw it here for everyone in the room."
  );
}

/**
 * The last line of a turn, because the turn may hold other messages above the question. The speaker label is taken off,
 * because its code is secret.
 */
function shortened(question: string): string {
  const lastLine = question.trim().split("\n").at(-1) ?? "";
  const line = lastLine.replace(/^\[#\w+ [^\]]*\] /, "");
  const characters = [...line];
  if (characters.length <= quotedCharactersMax) return line;
  return characters.slice(0, quotedCharactersMax - 1).join("") + "…";
}
