// Rooms whose history outgrows a small prompt, and the summaries that are made of it.
import { answer, finish, say, type Script } from "../../world/gemini/script.ts";
import type { ReceivedRequest } from "../../world/gemini/server.ts";
import type { Person, World } from "../../world/world.ts";
import { askAndSummarise } from "../budget/settlement.ts";

export const smallContext = { GEMINI_CONTEXT_TOKENS: "300" };
export const yes = answer(say("Yes."), finish());
export const summary = (text: string) => answer(say(text), finish());

export const isSummary = ({ body }: ReceivedRequest) =>
  JSON.stringify(body.systemInstruction).includes("You keep the memory");

export function textOf(request: ReceivedRequest | undefined): string {
  const contents = request?.body.contents ?? [];
  return contents.flatMap(({ parts }) => parts.map(({ text }) => text ?? "")).join("\n\n");
}

/** Each is about 40 of the 300 tokens. */
export async function tell(from: Person, chatId: number, ...texts: string[]) {
  for (const text of texts) await from.say(chatId, text.padEnd(90, "."));
}

export function facts(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `fact ${from + index} `);
}

export async function stored(world: World, chatId: number) {
  const rows = await world.sql`
    select up_to_seq, content from chat_summaries where chat_id = ${chatId} order by up_to_seq
  `;
  return [...rows];
}

/** Asks with scripts for the answer and what follows it. @returns what the model was sent */
export async function ask(world: World, from: Person, chatId: number, ...scripts: Script[]) {
  const before = world.gemini.requests.length;
  world.gemini.respondWith(...scripts);
  await askAndSummarise(world, from, chatId, "/bot well?");
  return world.gemini.requests.slice(before);
}
