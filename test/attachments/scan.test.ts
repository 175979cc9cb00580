// Uploads are scanned for malware, by the real daemon where it is installed.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { answerEnds } from "../answers/room.ts";
import { roomWithFiles } from "../answers/files/asking-about.ts";
import { expectProblem } from "../http/refusals.ts";
import { metricsToken, scrapeText } from "../observability/metrics/scrape.ts";
import { answer, draw, finish } from "../world/gemini/script.ts";
import { startWorld, type Person, type World } from "../world/world.ts";
import { eicar, hasClamd, startClamd, startScriptedDaemon } from "./clamd.ts";
import { ask, download, uploaded, uploadPath } from "./files.ts";
import { makePng } from "./made-files.ts";

setDefaultTimeout(20_000);

async function begin(env: Record<string, string>) {
  const world = await startWorld({ env, durations: { purgeMs: 20 } });
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat();
  return { world, ann, chatId };
}

const post = (world: World, ann: Person, chatId: number, body: Bun.BodyInit) =>
  ask(world, ann, "POST", uploadPath(chatId, { name: "a.txt" }), {
    body,
    headers: { "content-type": "application/octet-stream" },
  });

/** Fails unless nothing is left of refused uploads, in the database and in the store. */
async function expectNothingKept(world: World) {
  expect(await world.sql`select 1 from attachments`).toBeEmpty();
  expect(await world.sql`select 1 from stored_files`).toBeEmpty();
  while ((await world.sql`select 1 from file_removals`).length > 0) await Bun.sleep(10);
}

describe.skipIf(!hasClamd)("with ClamAV's daemon", () => {
  let daemon: Awaited<ReturnType<typeof startClamd>>;
  let scene: Awaited<ReturnType<typeof begin>>;
  const stops: (() => unknown)[] = [];
  beforeAll(async () => {
    daemon = await startClamd({ streamMax: "1M" });
    stops.push(() => daemon.stop());
    scene = await begin({ SCAN_URL: daemon.url });
    stops.unshift(() => scene.world.stop());
  }, 30_000);
  // The servers that were begun before a failure are stopped, too.
  afterAll(async () => {
    for (const stop of stops) await stop();
  });

  test("an infected file is refused both ways, is audited, and nothing of it is kept", async () => {
    const { world, ann, chatId } = scene;
    const refused = await post(world, ann, chatId, eicar);
    expectProblem(refused, 422, "infected");
    expect(refused.body.detail).toContain("Eicar-Test-Signature");
    const parts = `/api/chats/${chatId}/attachments/uploads`;
    const { upload_id: id } = (await ann.api("POST", parts, { name: "a.txt", size: eicar.length }))
      .body;
    await ask(world, ann, "PUT", `${parts}/${id}?offset=0`, { body: eicar });
    expectProblem(await ann.api("POST", `${parts}/${id}/complete`), 422, "infected");
    await expectProblem(
      await ask(world, ann, "PUT", "/api/auth/me/avatar", { body: eicar }),
      422,
      "infected",
    );
    const events = await world.sql`
      select target, details from audit_events where action = 'upload_file' and outcome = 'infected' order by id
    `;
    expect(events.map(({ target }) => target)).toEqual([
      `chat:${chatId}`,
      `chat:${chatId}`,
      `user:${ann.id}`,
    ]);
    expect(events[0]?.details).toMatchObject({
      signature: "Eicar-Test-Signature.UNOFFICIAL",
      bytes: 68,
    });
    await world.sql`delete from uploads`;
    await expectNothingKept(world);
  });

  test("clean files are taken, and pictures, too", async () => {
    const { world, ann, chatId } = scene;
    const clean = await uploaded(world, ann, chatId, `not ${eicar}`);
    expect((await download(world, ann, clean.url)).status).toBe(200);
    const avatar = await ask(world, ann, "PUT", "/api/auth/me/avatar", { body: makePng(9, 9) });
    expect(avatar.status).toBe(200);
  });

  test("a file above the daemon's limit is refused", async () => {
    const { world, ann, chatId } = scene;
    const refused = await post(world, ann, chatId, new Uint8Array(2 * 1024 * 1024).fill(65));
    // The daemon closes the connection behind its answer, which may be lost.
    expect([413, 503]).toContain(refused.status);
    expect(refused.body.detail).toContain("malware");
    expect(await world.sql`select 1 from stored_files where size > 1000000`).toBeEmpty();
  });
});

describe("with a scripted daemon", () => {
  let daemon: Awaited<ReturnType<typeof startScriptedDaemon>>;
  let strict: Awaited<ReturnType<typeof begin>>;
  let lax: Awaited<ReturnType<typeof begin>>;
  beforeAll(async () => {
    daemon = await startScriptedDaemon();
    strict = await begin({ SCAN_URL: daemon.url });
    lax = await begin({ SCAN_URL: daemon.url, SCAN_FAILURE: "allow" });
  });
  afterAll(async () => {
    await strict.world.stop();
    await lax.world.stop();
    daemon.stop();
  });

  test("all bytes of a file are sent", async () => {
    const { world, ann, chatId } = strict;
    const bytes = crypto.getRandomValues(new Uint8Array(50_000));
    const large = new Uint8Array(Buffer.concat(Array.from({ length: 30 }, () => bytes)));
    await uploaded(world, ann, chatId, large);
    expect(daemon.received.at(-1)?.equals(large)).toBe(true);
    await world.sql`delete from attachments`;
  });

  test.each<[string, Parameters<typeof daemon.does>[0]]>([
    ["closes the connection at once", (socket) => void socket.destroy()],
    ["answers an error", { answer: "Can't allocate memory ERROR\0" }],
    ["answers nothing that is known", { answer: "HTTP/1.1 200 OK\r\n\r\n\0" }],
    ["closes the connection without an answer", { answer: "" }],
    ["answers without an end", { answer: "stream: OK" }],
    ["answers for ever", (socket) => void socket.write("x".repeat(10_000))],
  ])("one that %s lets no file pass, unless failures are allowed", async (_, script) => {
    daemon.does(script);
    const refused = await post(strict.world, strict.ann, strict.chatId, crypto.randomUUID());
    expectProblem(refused, 503, "unavailable");
    expect(refused.headers.get("retry-after")).toBe("30");
    await expectNothingKept(strict.world);
    const taken = await post(lax.world, lax.ann, lax.chatId, crypto.randomUUID());
    expect(taken.status).toBe(200);
  });

  test("a file that it does not take is refused with the reason", async () => {
    daemon.does({ answer: "INSTREAM size limit exceeded. ERROR\0" });
    const refused = await post(strict.world, strict.ann, strict.chatId, crypto.randomUUID());
    expectProblem(refused, 413, "too_large");
    expect(refused.body.detail).toContain("malware");
  });

  test("one that finds something refuses also where failures are allowed", async () => {
    daemon.does({ answer: "stream: Some-Virus FOUND\0" });
    expectProblem(await post(lax.world, lax.ann, lax.chatId, "x"), 422, "infected");
  });
});

describe("a picture of the model", () => {
  let daemon: Awaited<ReturnType<typeof startScriptedDaemon>>;
  let world: World;
  beforeAll(async () => {
    daemon = await startScriptedDaemon();
    const env = { SCAN_URL: daemon.url, GEMINI_IMAGE_MODEL: "image", METRICS_TOKEN: metricsToken };
    world = await startWorld({ env, durations: { purgeMs: 20 } });
  });
  afterAll(async () => {
    await world.stop();
    daemon.stop();
  });

  test.each([
    ["that is clean is shown", "stream: OK\0", "complete", undefined],
    ["that is infected is not kept", "stream: Virus FOUND\0", "failed", "has malware"],
    ["that cannot be scanned is not kept", "ERROR\0", "failed", "could not be checked"],
  ])("%s", async (_, reply, status, why) => {
    daemon.does({ answer: reply });
    const { annas, post } = await roomWithFiles(world);
    const picture = makePng(30, 20);
    world.gemini.respondWith(answer(draw(picture), finish()));
    await post({ content: "/image a cat" });
    const { last } = await answerEnds(annas);
    expect(last.status as string).toBe(status);
    if (why === undefined) expect(last.attachments).toHaveLength(1);
    else {
      expect(last.error).toContain(why);
      await expectNothingKept(world);
    }
    expect(daemon.received.at(-1)?.equals(picture)).toBe(true);
    await world.sql`delete from attachments`;
    await world.sql`delete from stored_files`;
  });

  test("is counted with the uploads", async () => {
    const text = await scrapeText(world);
    for (const outcome of ["clean", "infected", "failed"]) {
      expect(text).toContain(`gemini_coop_files_scanned_total{outcome="${outcome}"} 1\n`);
    }
    expect(text).toContain('gemini_coop_answer_pictures_total{outcome="stored"} 1\n');
    expect(text).toContain('gemini_coop_answer_pictures_total{outcome="failed"} 2\n');
  });
});

test("a daemon that is away lets no file pass", async () => {
  const { world, ann, chatId } = await begin({ SCAN_URL: "unix:///nowhere/clamd.ctl" });
  expectProblem(await post(world, ann, chatId, "x"), 503, "unavailable");
  await expectNothingKept(world);
  await world.stop();
});

test("the address is checked at the start", () => {
  const scanOf = (SCAN_URL: string) => readConfig({ NODE_ENV: "test", SCAN_URL }).files.scan;
  expect(scanOf("tcp://clamav")?.address).toEqual({ host: "clamav", port: 3310 });
  expect(scanOf("tcp://[::1]:80")?.address).toEqual({ host: "::1", port: 80 });
  expect(scanOf("unix:///run/clamd.ctl")?.address).toEqual({ path: "/run/clamd.ctl" });
  expect(scanOf("")).toBeUndefined();
  for (const wrong of [
    "clamav:3310",
    "http://x",
    "tcp://",
    "unix://run",
    "tcp://a/b",
    "icap://x",
  ]) {
    expect(() => scanOf(wrong)).toThrow("SCAN_URL");
  }
});
