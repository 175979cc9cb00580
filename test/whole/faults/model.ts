// The model that everybody asks: a scripted Gemini whose answers follow from the question alone, so that the checker
// knows them, and which counts how often it was asked what. Its words are numbered: none can be lost or come twice
// without being seen. Asked to go on with an answer, it goes on from the last character, or repeats a few words first.
import {
  answer,
  cut,
  draw,
  finish,
  pause,
  refuse,
  say,
  type Script,
  type Step,
} from "../../world/gemini/script.ts";
import { makePng } from "../../attachments/made-files.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { createRandom } from "./random.ts";

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
const clientIdPattern = /\[([\w-]+)\]/g;

/** A question that contains the client id from which its answer is derived. */
export function questionFor(clientId: string, command: "/bot" | "/image" = "/bot"): string {
  return `${command} what of [${clientId}]?`;
}

export type ScriptedModel = ReturnType<typeof startModel>;

export function startModel() {
  const asked = new Map<string, number>();
  /** Requests whose connection it has broken: a client that has read no text by then sends the same once more. */
  const broken = new Set<string>();
  const incidents: string[] = [];
  let resumed = 0;
  const emulator = startGeminiEmulator({
    requestsKeptMax: 1,
    script({ body }) {
      // The history of a long room is summarised.
      const rules = body.systemInstruction?.parts[0]?.text ?? "";
      if (rules.startsWith("You keep the memory")) return answer(say("They spoke."), finish());
      if (rules.startsWith("You transcribe")) return answer(say("[no speech]"), finish());
      const texts = body.contents.map(({ parts }) => parts.at(-1)?.text ?? "");
      const goesOn = texts.at(-1)?.includes("broke off at its last character") === true;
      const [question = "", kept = ""] = goesOn ? texts.slice(-3) : texts.slice(-1);
      const clientId = [...question.matchAll(clientIdPattern)].at(-1)?.[1];
      if (clientId === undefined) {
        incidents.push(`the model was asked nothing: ${texts.at(-1)}`);
        return undefined;
      }
      const request = `${clientId} ${kept.length}`;
      if (!broken.delete(request)) asked.set(clientId, (asked.get(clientId) ?? 0) + 1);
      if (goesOn) resumed += 1;
      if (goesOn && (kept === "" || !answerTo(clientId).startsWith(kept))) {
        incidents.push(`${clientId} is to go on from what was never said: ${kept}`);
      }
      const script = scriptOf(clientId, kept, body.generationConfig?.responseModalities);
      if (script.kind === "answer" && script.steps.at(-1)?.kind === "cut") broken.add(request);
      return script;
    },
  });
  return {
    url: emulator.url,
    /** How often it was asked what, without the same request right after a connection that it has broken. */
    asked,
    answerTo,
    /** How often it was asked to go on with an answer that had broken off. */
    get resumed() {
      return resumed;
    },
    /** Takes the unexpected requests to the emulator since the last call. */
    takeIncidents: () => incidents.splice(0),
    stop: () => emulator.stop(),
  };
}

function answerTo(clientId: string): string {
  return piecesOf(clientId).join("");
}

function piecesOf(clientId: string): string[] {
  const random = createRandom(`answer ${clientId}`);
  const length = random.chance(0.3) ? random.int(60, 150) : random.int(2, 25);
  return Array.from({ length }, (_, n) => `${n}:${random.pick(words)} `);
}

const repeatedPieces = 6;

/** @param kept what it has said before, "" if nothing @param wanted kinds of parts, if there are to be pictures */
function scriptOf(clientId: string, kept: string, wanted: unknown = undefined): Script {
  const random = createRandom(`pace ${clientId} ${kept.length}`);
  const all = piecesOf(clientId);
  let said = 0;
  let from = 0;
  while (said < kept.length) said += all[from++]?.length ?? kept.length;
  if (kept !== "" && random.chance(0.1)) return refuse(400);
  const repeats = from >= repeatedPieces && said === kept.length && random.chance(0.2);
  // Whoever has kept a part of a piece is given the rest of it.
  const rest = all.join("").slice(kept.length, said);
  const pieces = [
    ...(rest === "" ? [] : [rest]),
    ...all.slice(repeats ? from - repeatedPieces : from),
  ];
  if (pieces.length === 0) return answer(finish());
  const steps: Step[] = pieces.flatMap((piece) => [pause(random.int(1, 60)), say(piece)]);
  // The picture stands behind the text, since text behind a picture begins a paragraph.
  if (wanted !== undefined) steps.push(draw(makePng(random.int(20, 200), 60)));
  if (random.chance(0.1)) return answer(...steps.slice(0, random.int(2, steps.length)), cut());
  return answer(...steps, finish());
}
