// The model of the faults tells a question that is asked twice from a request that is sent again.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { questionFor, startModel, type ScriptedModel } from "./model.ts";

let model: ScriptedModel;
beforeAll(() => void (model = startModel()));
afterAll(() => model.stop());

/** Longer answers take seconds. */
const answerCharactersMax = 120;
const questionsMax = 60;

/** @returns whether the connection broke before the answer's end */
async function ask(clientId: string): Promise<boolean> {
  const contents = [{ role: "user", parts: [{ text: questionFor(clientId) }] }];
  const path = "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
  const request = { method: "POST", body: JSON.stringify({ contents }) };
  return await fetch(model.url + path, request)
    .then((response) => response.text())
    .then(
      () => false,
      () => true,
    );
}

test("a request counts once more after a whole answer, but not after a connection that the model has broken", async () => {
  const clientIds = Array.from({ length: questionsMax }, (_, n) => `q-${n}`).filter(
    (clientId) => model.answerTo(clientId).length <= answerCharactersMax,
  );
  const ends = await Promise.all(
    clientIds.map(async (clientId) => ({ clientId, isBroken: await ask(clientId) })),
  );
  expect(clientIds.map((clientId) => model.asked.get(clientId))).toEqual(clientIds.map(() => 1));
  const broken = ends.find(({ isBroken }) => isBroken)?.clientId ?? "";
  const whole = ends.find(({ isBroken }) => !isBroken)?.clientId ?? "";
  for (let again = 1; again <= 2; again += 1) expect(await ask(broken)).toBe(true);
  expect(model.asked.get(broken)).toBe(1);
  await ask(whole);
  expect(model.asked.get(whole)).toBe(2);
});
