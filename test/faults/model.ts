// The model that everybody asks: a scripted Gemini whose answers follow from the question alone, so that the checker
// knows them, and which counts how often it was asked what.
import {
  answer,
  cut,
  finish,
  pause,
  say,
  type Script,
  type Step,
} from "../../src/emulator/script.ts";
import { startGeminiEmulator } from "../../src/emulator/server.ts";
import { createRandom } from "../../src/client/faults/random.ts";

const words = [
  "quark",
  "Ökonomie",
  "naïve",
  "量子",
  "👩‍🚀",
  "π ≈ 3.14",
  "line\nbreak",
  "plain",
  "🙂",
];
const mark = /\[([\w-]+)\]/g;

/** What is asked, with the client id that its answer follows from. */
export function questionFor(clientId: string): string {
  return `/bot what of [${clientId}]?`;
}

export type ScriptedModel = ReturnType<typeof startModel>;

export function startModel() {
  const asked = new Map<string, number>();
  const emulator = startGeminiEmulator({
    requestsKeptMax: 1,
    script({ body }) {
      const text = body.contents.at(-1)?.parts.at(-1)?.text ?? "";
      const clientId = [...text.matchAll(mark)].at(-1)?.[1];
      if (clientId === undefined) return undefined;
      asked.set(clientId, (asked.get(clientId) ?? 0) + 1);
      return scriptOf(clientId);
    },
  });
  return { url: emulator.url, asked, answerTo, stop: () => emulator.stop() };
}

function answerTo(clientId: string): string {
  return piecesOf(clientId).join("");
}

function piecesOf(clientId: string): string[] {
  const random = createRandom(`answer ${clientId}`);
  return Array.from({ length: random.int(2, 25) }, () => `${random.pick(words)} `);
}

function scriptOf(clientId: string): Script {
  const random = createRandom(`pace ${clientId}`);
  const pieces = piecesOf(clientId);
  const steps: Step[] = pieces.flatMap((piece) => [pause(random.int(1, 60)), say(piece)]);
  if (random.chance(0.1)) return answer(...steps.slice(0, random.int(2, steps.length)), cut());
  return answer(...steps, finish());
}
