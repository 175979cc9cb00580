// What a server without a Gemini key answers: words that say so, streamed as Gemini streams.
import { answer, event, pause, type Script, type UsageMetadata } from "./script.ts";

const quotedCharactersMax = 80;
const wordsPerPiece = 4;

/**
 * An answer that plainly says it is an offline demonstration and names the question, in pieces with a delay before
 * each, and the tokens estimated from the texts.
 * @param conversation the texts of the turns; the question is the last
 */
export function demonstration(
  conversation: string[],
  promptTokens: number,
  { pieceDelayMs, model }: { pieceDelayMs: number; model: string },
): Script {
  const [before = "", begun = "", last = ""] = ["", "", ""].concat(conversation).slice(-3);
  // Asked to go on with an answer, which then stands before the last turn, and its question before that.
  const whole = wordsFor(before);
  const goesOn = last.includes("broke off") && begun !== "" && whole.startsWith(begun);
  const pieces = piecesOf(goesOn ? whole.slice(begun.length) : wordsFor(last));
  let said = "";
  const steps = pieces.flatMap((text, index) => {
    said += text;
    const isLast = index === pieces.length - 1;
    return [
      pause(pieceDelayMs),
      event({
        candidates: [
          {
            content: { role: "model", parts: [{ text }] },
            index: 0,
            ...(isLast && { finishReason: "STOP" }),
          },
        ],
        usageMetadata: usageOf(promptTokens, said),
        modelVersion: model,
      }),
    ];
  });
  return answer(...steps);
}

function wordsFor(question: string): string {
  return (
    "This is an offline demonstration, not Gemini: the server runs without a Gemini key. " +
    `You asked: “${shortened(question)}”. ` +
    "With GEMINI_API_KEY set, Gemini itself would answer here, piece by piece, for everyone in the room."
  );
}

/** About four characters are a token: https://ai.google.dev/gemini-api/docs/tokens */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

function usageOf(promptTokenCount: number, said: string): UsageMetadata {
  const candidatesTokenCount = estimateTokens(said);
  return {
    promptTokenCount,
    candidatesTokenCount,
    totalTokenCount: promptTokenCount + candidatesTokenCount,
  };
}

/**
 * The last line: a prompt's last turn may hold others' messages above the question. Without the mark of who speaks, whose
 * code nobody in the room may know.
 */
function shortened(question: string): string {
  const lastLine = question.trim().split("\n").at(-1) ?? "";
  const line = lastLine.replace(/^\[#\w+ [^\]]*\] /, "");
  const characters = [...line];
  if (characters.length <= quotedCharactersMax) return line;
  return characters.slice(0, quotedCharactersMax - 1).join("") + "…";
}

function piecesOf(text: string): string[] {
  const words = text.match(/\S+\s*/g) ?? [];
  const pieces: string[] = [];
  for (let at = 0; at < words.length; at += wordsPerPiece) {
    pieces.push(words.slice(at, at + wordsPerPiece).join(""));
  }
  return pieces;
}
