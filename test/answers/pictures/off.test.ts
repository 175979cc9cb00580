// `/image` where no pictures are made.
import { expect, test } from "bun:test";
import { createDemonstration } from "../../../src/model/demonstration.ts";
import { expectProblem } from "../../http/refusals.ts";
import { useWorld } from "../../world/world.ts";
import { roomWithFiles } from "../files/asking-about.ts";

const world = useWorld();

test("without a model for pictures, /image is refused in words for the operator, and nothing is stored", async () => {
  const { chat, anna, post } = await roomWithFiles(world);
  const refused = await post({ content: "/image a cat" });
  expectProblem(refused, 503, "bot_not_configured");
  expect(refused.body.detail).toContain("GEMINI_IMAGE_MODEL");
  const { body } = await anna.api("GET", `/api/chats/${chat.id}/messages`);
  expect(body).toEqual([]);
});

test("the demonstration says that it is one", async () => {
  const draw = createDemonstration({ pieceDelayMs: 0, ofPictures: true });
  const settings = { model: "x", temperature: null, thinkingBudget: null, googleSearch: false };
  const turns = [{ role: "user" as const, text: "a cat" }];
  let text = "";
  const prompt = { system: "", turns, settings, outputTokensMax: 100, makesPictures: true };
  for await (const delta of draw(prompt, new AbortController().signal)) {
    if ("text" in delta) text += delta.text;
  }
  expect(text).toContain("offline demonstration, not Gemini");
  expect(text).toContain("You asked for a picture of “a cat”.");
});
