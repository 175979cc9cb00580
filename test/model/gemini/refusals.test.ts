// Requests that Gemini refuses for good: the room is told why, and which setting the chat's owner can change.
// The messages are Gemini's, as people have reported them.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answer, finish, refuse, say, type Refusal } from "../../world/gemini/script.ts";
import { startAsking, type Asking } from "../../answers/asking.ts";

let asking: Asking;
beforeEach(() => void (asking = startAsking()));
afterEach(() => asking.stop());

const fine = answer(say("fine"), finish());

/** Asks once and expects a sentence for people that holds nothing of Gemini's own words. */
async function refused(status: number, refusal: Refusal): Promise<string> {
  const { detail = "", requests } = await asking.ask([refuse(status, refusal), fine]);
  expect(requests).toBe(1);
  expect(detail).toMatch(/^(Gemini|The)\b.+\.$/);
  if (refusal.message) expect(detail).not.toContain(refusal.message);
  expect(detail).not.toMatch(/https?:|INVALID_ARGUMENT|\$|undefined|NaN/);
  expect(asking.logged.join()).toContain(refusal.message ?? String(status));
  return detail;
}

describe("a setting of the chat that the model refuses is named:", () => {
  test.each<[message: string, what: string, setting: string]>([
    ["The thinking budget (52428) is invalid.", "thinking budget", "thinking_budget"],
    [
      "Thinking budget is invalid. Please choose a value between 512 and 24576.",
      "between 512 and 24576",
      "thinking_budget",
    ],
    [
      "Budget 0 is invalid. This model only works in thinking mode.",
      "thinking budget",
      "thinking_budget",
    ],
    ["Thinking is not supported for this model.", "thinking budget", "thinking_budget"],
    [
      "Unable to submit request because thinking is not supported by this model.",
      "thinking budget",
      "thinking_budget",
    ],
    [
      "Unable to submit request because it has a maxOutputTokens value of 40960 but the supported range is from 1 (inclusive) to 8193 (exclusive).",
      "answers as long",
      "thinking_budget",
    ],
    [
      "* GenerateContentRequest.generation_config.max_output_tokens: must be at most 8192",
      "answers as long",
      "thinking_budget",
    ],
    [
      "Unable to submit request because it has a temperature value of 2 but the supported range is from 0 (inclusive) to 1 (inclusive).",
      "temperature",
      "temperature",
    ],
    ["Search Grounding is not supported.", "search the web", "google_search"],
    ["Google Search tool is not supported for this model.", "search the web", "google_search"],
    ["Tool use is not supported by this model.", "search the web", "google_search"],
  ])("%s", async (message, what, setting) => {
    const detail = await refused(400, { message });
    expect(detail).toContain(what);
    expect(detail).toContain(
      `The chat's owner can change its setting ${setting}, or choose another model.`,
    );
  });

  test("also where it is told inside the stream", async () => {
    const message = "The thinking budget (9) is invalid.";
    const error = { code: 400, message, status: "INVALID_ARGUMENT" };
    const { detail, requests } = await asking.ask([
      answer({ kind: "events", events: [{ error }] }),
      fine,
    ]);
    expect(detail).toContain("setting thinking_budget");
    expect(requests).toBe(1);
  });
});

describe("a prompt that is too long is said to be:", () => {
  test.each<[status: number, message: string, size: string]>([
    [
      400,
      "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
      "(1,200,293 tokens, at most 1,048,576)",
    ],
    [400, "The input token count exceeds the maximum number of tokens allowed 1048576.", "model. "],
    [400, "Request payload size exceeds the limit: 20971520 bytes.", "model. "],
    [413, "Request Entity Too Large", "model. "],
  ])("%i %s", async (status, message, size) => {
    const detail = await refused(status, { message });
    expect(detail).toStartWith(
      "The question and the room's history are too long for Gemini's model",
    );
    expect(detail).toContain(size);
    expect(detail).toEndWith("The operator of this server can lower GEMINI_CONTEXT_TOKENS.");
  });
});

test.each<[status: number, message: string]>([
  [
    404,
    "models/gemini-9 is not found for API version v1, or is not supported for generateContent.",
  ],
  [404, "This model models/gemini-2.5-flash is no longer available to new users."],
  [400, "* GenerateContentRequest.model: unexpected model name format"],
  [400, "Developer instruction is not enabled for models/gemma-3-27b-it"],
])("a model that can't answer is named: %i %s", async (status, message) => {
  const detail = await refused(status, { message });
  expect(detail).toContain("model gemini-2.5-flash");
  expect(detail).toContain("The chat's owner can choose another model");
  expect(detail).toContain("GEMINI_MODEL");
});

describe("a key that Gemini refuses is the operator's to look at:", () => {
  test.each<[what: string, status: number, refusal: Refusal]>([
    ["not valid", 400, { reason: "API_KEY_INVALID" }],
    ["not valid", 400, { message: "API key not valid. Please pass a valid API key." }],
    ["expired", 400, { message: "API key expired. Please renew the API key." }],
    ["it may not use Gemini", 401, {}],
    ["it may not use Gemini", 403, {}],
    ["no credit left", 402, {}],
    ["no credit left", 429, { message: "Your prepayment credits are depleted." }],
    ["restrictions", 403, { reason: "API_KEY_HTTP_REFERRER_BLOCKED" }],
    ["restrictions", 403, { message: "Requests from referer <empty> are blocked." }],
    ["restrictions", 403, { reason: "API_KEY_IP_ADDRESS_BLOCKED" }],
    ["not enabled", 403, { reason: "SERVICE_DISABLED" }],
    ["suspended", 403, { reason: "CONSUMER_SUSPENDED" }],
    [
      "suspended",
      403,
      { message: "Your API key was reported as leaked. Please use another API key." },
    ],
    ["billing", 400, { status: "FAILED_PRECONDITION" }],
  ])("%s (%i %o)", async (what, status, refusal) => {
    const detail = await refused(status, refusal);
    expect(detail).toStartWith(
      "Gemini refused this server's key. The operator of this server should look at",
    );
    expect(detail).toContain("GEMINI_API_KEY");
    expect(detail).toContain(what);
  });

  test("so is the country", async () => {
    const message = "User location is not supported for the API use.";
    const detail = await refused(400, { message, status: "FAILED_PRECONDITION" });
    expect(detail).toContain("country");
    expect(detail).toContain("The operator of this server should look at");
  });
});

describe("a quota", () => {
  const dayId = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
  const minuteId = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";

  test.each([
    ["by its id", { quotaIds: [minuteId, dayId], retryDelay: "0.01s" }],
    ["by its message", { message: "Quota exceeded for requests per day" }],
  ])("of a day that is used up is not asked for again, known %s", async (_, refusal) => {
    const detail = await refused(429, refusal);
    expect(detail).toBe(
      "Gemini's quota of this server is used up for today. The operator of this server should look at the quotas of GEMINI_API_KEY.",
    );
  });

  test("that the key doesn't have for the model is not asked for again", async () => {
    const message =
      "* Quota exceeded for metric: generate_content_free_tier_requests, limit: 0, model: x";
    const detail = await refused(429, { message, quotaIds: [minuteId] });
    expect(detail).toContain("does not include the model gemini-2.5-flash");
    expect(detail).toContain("The chat's owner can choose another model");
  });

  test("of a minute is asked for again", async () => {
    const message = "You exceeded your current quota, please check your plan and billing details.";
    const scripts = [refuse(429, { message, quotaIds: [minuteId], retryDelay: "0.01s" }), fine];
    expect((await asking.ask(scripts)).pieces).toEqual(["fine"]);
  });
});

test("a redirect is told as an address that is wrong", async () => {
  const detail = await refused(302, {});
  expect(detail).toContain("GEMINI_BASE_URL");
});
