// `/image` makes a picture, which is a file of the answer.
import { describe, expect, setDefaultTimeout } from "bun:test";
import { download } from "../../attachments/files.ts";
import { makePng } from "../../attachments/made-files.ts";
import { expectInvalid } from "../../http/refusals.ts";
import {
  answer,
  blockPrompt,
  cut,
  draw,
  finish,
  refuse,
  say,
  until,
} from "../../world/gemini/script.ts";
import { useWorld } from "../../world/world.ts";
import { large, makePdf, roomWithFiles } from "../files/asking-about.ts";
import { answerEnds, lastRequest } from "../room.ts";
import { longTest, test } from "../../world/long.ts";

setDefaultTimeout(20_000);

const world = useWorld({
  env: { GEMINI_IMAGE_MODEL: "gemini-3.1-flash-image", BUDGET_IMAGES_PER_USER_DAY: "3" },
  durations: { purgeMs: 5 },
});
const usage = { promptTokenCount: 5, candidatesTokenCount: 1_120, totalTokenCount: 1_125 };
const cat = makePng(300, 200);

async function untilNothingIsLeft() {
  for (;;) {
    const rows = await world.sql`select key from file_removals`;
    if (rows.length === 0) return;
    await Bun.sleep(1);
  }
}

test("text and pictures of an answer keep their order, live, in the log and over HTTP", async () => {
  const { chat, ben, annas, post } = await roomWithFiles(world);
  world.gemini.respondWith(
    answer(
      say("A cat:"),
      draw(cat),
      say("and a dog:"),
      draw(makePng(30, 20)),
      finish("STOP", usage),
    ),
  );
  await post({ content: "/image a cat and a dog" });
  const { messageId, last, text } = await answerEnds(annas);
  expect(text).toBe("A cat:\n\nand a dog:");
  expect(last.attachments).toMatchObject([
    { kind: "image", media_type: "image/png", width: 300, height: 200, at: 6, status: "ready" },
    { kind: "image", width: 30, height: 20, at: 18 },
  ]);
  expect(last.attachments?.[0]?.thumbnails).toHaveLength(2);
  expect(last.attachments?.[0]?.blur).toStartWith("data:image/");
  const { body } = await ben.api("GET", `/api/chats/${chat.id}/messages/${messageId}`);
  expect(body.attachments).toEqual(last.attachments);
  const file = await download(world, ben, body.attachments[0].url);
  expect(file.status).toBe(200);
  const replayed = await ben.socket();
  replayed.send({ type: "join", chat_id: chat.id, after_seq: 0 });
  expect(await replayed.next("message", { message_id: messageId })).toMatchObject({
    attachments: body.attachments,
  });
  const request = lastRequest(world);
  expect(request.model).toBe("gemini-3.1-flash-image");
  expect(request.body.generationConfig?.responseModalities).toEqual(["TEXT", "IMAGE"]);
  expect(request.body.contents).toEqual([{ role: "user", parts: [{ text: "a cat and a dog" }] }]);
  await untilNothingIsLeft();
});

test("a picture is changed by a reply to it, and goes with its message", async () => {
  const { chat, anna, ben, annas, post } = await roomWithFiles(world);
  world.gemini.respondWith(answer(draw(cat), finish("STOP", usage)));
  await post({ content: "/image a cat" });
  const { messageId, last } = await answerEnds(annas);
  expect(last).toMatchObject({ status: "complete", full_response: "" });
  world.gemini.respondWith(answer(draw(makePng(9, 9)), finish("STOP", usage)));
  await post({ content: "/image with a hat", reply_to: messageId });
  await answerEnds(annas);
  const [turn] = lastRequest(world).body.contents;
  expect(turn?.parts).toMatchObject([
    { inlineData: { mimeType: "image/png" } },
    { text: "with a hat" },
  ]);
  await anna.api("DELETE", `/api/chats/${chat.id}/messages/${messageId}`);
  const url = String(last.attachments?.[0]?.url);
  expect((await download(world, ben, url)).status).toBe(404);
});

describe("an answer without a picture ends as others do, and keeps its text", () => {
  test.each([
    ["blocked", "blocked", answer(blockPrompt("IMAGE_SAFETY"))],
    ["over the quota", "failed", refuse(429, { quotaIds: ["PerDay"] })],
    ["no picture at all", "failed", answer(draw(new Uint8Array([1, 2, 3])), finish())],
    ["broken off", "failed", answer(say("Here"), draw(cat), cut())],
    ["empty", "failed", answer(finish())],
  ])("%s", async (_, status, script) => {
    const { annas, post } = await roomWithFiles(world);
    world.gemini.respondWith(script);
    await post({ content: "/image a cat" });
    const { last } = await answerEnds(annas);
    expect(last.status as string).toBe(status);
    expect(last.error).toBeString();
    await untilNothingIsLeft();
  });
});

test("pictures have a budget of their own; one that was refused is not counted", async () => {
  const { annas, post } = await roomWithFiles(world);
  const drawn = async () => {
    await post({ content: "/image a cat" });
    return (await answerEnds(annas)).last;
  };
  world.gemini.respondWith(refuse(400));
  expect((await drawn()).status).toBe("failed");
  for (let n = 1; n <= 3; n += 1) {
    world.gemini.respondWith(answer(draw(makePng(10 + n, 10)), finish("STOP", usage)));
    expect((await drawn()).status).toBe("complete");
  }
  const requests = world.gemini.requests.length;
  expect(await drawn()).toMatchObject({
    status: "failed",
    error: "Your pictures for today are used up. There are new ones at midnight UTC.",
  });
  expect(world.gemini.requests.length).toBe(requests);
  world.gemini.respondWith(answer(say("Text."), finish()));
  await post({ content: "/bot and words?" });
  expect((await answerEnds(annas)).last.status).toBe("complete");
});

test("one that is stopped while its files are sent is not counted", async () => {
  const { anna, annas, chat, upload, post } = await roomWithFiles(world);
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const until = () => {
    reached.resolve();
    return gate.promise;
  };
  world.gemini.files.meet({ until });
  const requests = world.gemini.requests.length;
  const file = await upload(makePdf(3, large));
  await post({ content: "/image as a drawing", attachment_ids: [file.id] });
  const { message_id: id } = await annas.next("bot_stream", { is_complete: false });
  await reached.promise;
  const path = `/api/chats/${chat.id}/messages/${id}/stop`;
  expect((await anna.api("POST", path)).status).toBe(200);
  expect((await answerEnds(annas)).last.status).toBe("stopped");
  gate.resolve();
  const counts = await world.sql`
    select scope from picture_counts where scope = 'user' and scope_id = ${anna.id} and pictures > 0
  `;
  expect(counts.length).toBe(0);
  expect(world.gemini.requests.length).toBe(requests);
});

test("of many pictures at once no more are asked for than the budget has", async () => {
  const { annas, post } = await roomWithFiles(world);
  const before = world.gemini.requests.length;
  world.gemini.respondWith(
    ...Array.from({ length: 3 }, (_, n) =>
      answer(draw(makePng(40 + n, 10)), finish("STOP", usage)),
    ),
  );
  const sent = await Promise.all(
    Array.from({ length: 5 }, () => post({ content: "/image a cat" })),
  );
  expect(sent.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const ends = [];
  while (ends.length < 5) {
    ends.push((await annas.next("bot_stream", { is_complete: true })).status);
  }
  expect(ends.filter((status) => status === "complete")).toHaveLength(3);
  expect(world.gemini.requests.length).toBe(before + 3);
});

longTest(
  "an answer whose server is gone is not asked for twice, and keeps the pictures that it had",
  async () => {
    const { chat, annas, post, anna } = await roomWithFiles(world);
    const reached = Promise.withResolvers<void>();
    const hang = until(() => {
      reached.resolve();
      return new Promise(() => {});
    });
    world.gemini.respondWith(answer(say("One:"), draw(cat), hang));
    await post({ content: "/image two cats" });
    await reached.promise;
    for (;;) {
      const rows = await world.sql`select from attachments where chat_id = ${chat.id}`;
      if (rows.length === 1) break;
      await Bun.sleep(1);
    }
    const requests = world.gemini.requests.length;
    // Another server has taken the run over, as it does when the lease of a dead one ends.
    await world.sql`update answer_runs set attempt = attempt + 1, lease_expires_at = now() - interval '1 second'`;
    const last = await annas.next("bot_stream", { is_complete: true });
    expect(last).toMatchObject({ status: "interrupted", attachments: [{ width: 300 }] });
    expect(world.gemini.requests.length).toBe(requests);
    const { body } = await anna.api(
      "GET",
      `/api/chats/${chat.id}/messages/${String(last.message_id)}`,
    );
    expect(body.attachments).toHaveLength(1);
  },
);

test("a picture without words is refused, and help is no picture", async () => {
  const { post } = await roomWithFiles(world);
  const refused = await post({ content: "/image" });
  expectInvalid(refused, "/content");
  expect(refused.body.detail).toBe("Write after /image what the picture shows.");
});
