import { afterAll, describe, expect } from "bun:test";
import { join } from "node:path";
import { answer, finish, refuse, say } from "../../world/gemini/script.ts";
import { CapturedLog } from "../../world/captured.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { bothTest, everyNth, longTest, test } from "../../world/long.ts";
import { processes } from "../../world/process.ts";
import { startWorld } from "../../world/world.ts";
import { startCollector, type Span } from "./collector.ts";

const { start, dataDir, end } = processes();
afterAll(end);

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";
/** SpanKind of the protocol: 1 internal, 2 server, 3 client. */
const [internal, server, client] = [1, 2, 3];

const named = (spans: Span[], name: string) => {
  const [span, another] = spans.filter((each) => each.name === name);
  if (!span || another) throw new Error(`not one ${name}: ${spans.map((each) => each.name)}`);
  return span;
};

describe("with a collector", () => {
  test("a request, a frame and an answer arrive as traces, without a word or a token of anybody", async () => {
    const collector = startCollector();
    const world = await startWorld({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
        OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20secret, x-tenant=7",
        OTEL_SERVICE_NAME: "rooms",
      },
    });
    const ann = await world.person("ann");
    const chat = await ann.chat({ name: "A name of theirs" });
    await world.call("GET", `/api/chats/${chat.id}?token=${ann.token}`, undefined, {
      authorization: `Bearer ${ann.token}`,
      traceparent: `00-${traceId}-${parentId}-01`,
    });
    await world.call("GET", `/nowhere/${ann.token}`);
    await world.call("GET", "/health");
    const socket = await ann.joined(chat.id);
    world.gemini.respondWith(
      answer(
        say("It is"),
        say(" so."),
        finish("STOP", { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 }),
      ),
      refuse(400),
    );
    await socket.ask({ type: "message", chat_id: chat.id, content: "/bot is it so?" });
    await socket.next("bot_stream", { is_complete: true });
    await ann.say(chat.id, "/bot and now?");
    await socket.next("bot_stream", { is_complete: true });
    await socket.ask({ type: "join", chat_id: 999_999 });
    await world.stop();
    await collector.stop();

    const { spans } = collector;
    const request = named(spans, "GET /api/chats/:chat_id");
    expect(request).toMatchObject({ traceId, parentSpanId: parentId, kind: server });
    expect(request.attributes).toEqual({
      "http.request.method": "GET",
      "url.scheme": "http",
      "http.route": "/api/chats/:chat_id",
      "http.response.status_code": 200,
    });
    expect(named(spans, "GET").attributes["http.response.status_code"]).toBe(404);
    expect(spans.filter(({ name }) => name.includes("/health"))).toEqual([]);

    const frame = named(spans, "socket message");
    expect([frame.kind, frame.parentSpanId]).toEqual([server, undefined]);
    const trace = spans.filter((span) => span.traceId === frame.traceId);
    const committed = named(trace, "group commit");
    const answered = named(trace, "answer");
    const called = named(trace, `chat ${world.config.gemini.model}`);
    expect(trace).toHaveLength(4);
    expect(committed).toMatchObject({ kind: client, parentSpanId: frame.spanId });
    expect(answered).toMatchObject({ kind: internal, parentSpanId: frame.spanId });
    expect(answered.attributes["gemini_coop.answer.status"]).toBe("complete");
    // The model is asked before there is an answer.
    expect(called).toMatchObject({ kind: client, parentSpanId: frame.spanId });
    expect(called.events.map((event) => event.name)).toEqual(["first chunk"]);
    expect(called.attributes).toMatchObject({
      "gen_ai.usage.input_tokens": 9,
      "gen_ai.usage.output_tokens": 4,
    });

    const failed = spans.filter(({ status }) => status.code === 2);
    expect(failed.map(({ attributes }) => attributes["error.type"]).toSorted()).toEqual([
      "ModelError",
      "failed",
    ]);
    const refused = spans.filter(({ attributes }) => "gemini_coop.problem" in attributes);
    expect(refused.map(({ name }) => name)).toEqual(["socket join"]);

    for (const { path, headers, service } of collector.requests) {
      expect([path, service]).toEqual(["/v1/traces", "rooms"]);
      expect([headers.get("api-key"), headers.get("x-tenant")]).toEqual(["a secret", "7"]);
    }
    const said = ["is it so?", "It is", "and now?", "A name of theirs", ann.username, ann.email];
    for (const secret of [...said, ann.token, ann.sessionId, world.ctx.config.secretKey]) {
      expect(collector.text).not.toContain(secret);
    }
  });

  test("a caller who keeps no trace is believed", async () => {
    const collector = startCollector();
    const world = await startWorld({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    const traceparent = `00-${traceId}-${parentId}-00`;
    await world.call("GET", "/api/chats", undefined, { traceparent });
    await world.call("GET", "/openapi.json", undefined, { traceparent: "of no use" });
    await world.stop();
    await collector.stop();
    expect(collector.spans.map(({ name }) => name)).toEqual(["GET /openapi.json"]);
  });
});

test("where no trace is to begin, those of callers are kept all the same", async () => {
  const collector = startCollector();
  const world = await startWorld({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: "0" },
  });
  const traceparent = `00-${traceId}-${parentId}-01`;
  for (let n = 0; n < 20; n += 1) await world.call("GET", "/api/chats");
  await world.call("GET", "/openapi.json", undefined, { traceparent });
  await world.stop();
  await collector.stop();
  expect(collector.spans.map(({ name }) => name)).toEqual(["GET /openapi.json"]);
});

describe("a collector that takes nothing", () => {
  test("is told of once, and harms nobody", async () => {
    const collector = startCollector(() => new Response("no", { status: 400 }));
    const log = new CapturedLog();
    const world = await startWorld({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
      logTo: log,
    });
    // Two batches, and what is left.
    for (let round = 0; round < 24; round += 1) {
      const answers = Array.from({ length: 50 }, () => world.call("GET", "/nowhere"));
      for (const { status } of await Promise.all(answers)) expect(status).toBe(404);
    }
    await log.find({ level: 40 });
    await world.stop();
    await collector.stop();
    expect(collector.requests.length).toBeGreaterThan(1);
    const warnings = log.lines.filter(({ level }) => Number(level) >= 40);
    expect(warnings).toEqual([
      expect.objectContaining({
        code: 400,
        msg: "the OpenTelemetry collector does not take spans",
      }),
    ]);
  });

  bothTest.each(everyNth(2, ["never answers", "is not there"]))(
    "because it %s, holds up neither the work nor the end",
    async (why) => {
      const collector = startCollector(() => new Promise<Response>(() => undefined));
      if (why === "is not there") await collector.stop();
      const world = await startWorld({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
      const ann = await world.person("ann");
      const chat = await ann.chat();
      const socket = await ann.joined(chat.id);
      const sent = { type: "message", chat_id: chat.id, content: "Hello!" };
      expect(await socket.ask(sent)).toMatchObject({ type: "ack", seq: 1 });
      await world.stop();
      await collector.stop();
    },
  );
});

describe("what is not asked for is not loaded", () => {
  const preload = `--preload=${join(import.meta.dir, "loaded.ts")}`;

  async function loadedWith(env: Record<string, string>): Promise<string[]> {
    const database = { DATABASE_URL: await borrowDatabase(), DATA_DIR: dataDir() };
    const child = await start({ ...database, ...env, BUN_OPTIONS: preload });
    await fetch(`${child.url}/api/chats`);
    expect(await child.stop()).toBe(0);
    return JSON.parse(/^loaded (.*)$/m.exec(child.output)?.[1] ?? "");
  }

  test.concurrent("neither metrics nor traces", async () => {
    expect(await loadedWith({})).toEqual([]);
  });

  longTest.concurrent(
    "metrics without traces: prom-client, and OpenTelemetry's types that it needs",
    async () => {
      const names = await loadedWith({ METRICS_TOKEN: "a-token-for-the-scrape" });
      expect(names).toEqual(["@opentelemetry/api", "prom-client"]);
    },
  );

  longTest.concurrent("traces without metrics", async () => {
    const collector = startCollector();
    const names = await loadedWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    expect(names).toContain("@opentelemetry/sdk-trace");
    expect(names).not.toContain("prom-client");
    // The remaining spans were sent at the end.
    expect(collector.spans.map(({ name }) => name)).toContain("GET /api/chats");
    await collector.stop();
  });
});
