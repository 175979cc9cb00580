import { beforeAll, describe, expect, test } from "bun:test";
import { version } from "../../../package.json";
import { answer, answerAndHang, finish, say } from "../../world/gemini/script.ts";
import { expectProblem } from "../../http/refusals.ts";
import { startWorld, useWorld, type Person } from "../../world/world.ts";
import { grown, metricsToken, parse, scrape, scrapeText, scrapeUntil } from "./scrape.ts";

const open = "gemini_coop_sockets_open";

let ann: Person;
let ben: Person;
const world = useWorld({ env: { METRICS_TOKEN: metricsToken } });
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

describe("/metrics", () => {
  test("is no path at all where METRICS_TOKEN is not set", async () => {
    const without = await startWorld();
    const authorization = `Bearer ${metricsToken}`;
    expectProblem(await without.call("GET", "/metrics"), 404, "not_found");
    expectProblem(
      await without.call("GET", "/metrics", undefined, { authorization }),
      404,
      "not_found",
    );
    await without.stop();
  });

  test.each<[what: string, headers: Record<string, string>]>([
    ["no header", {}],
    ["another token", { authorization: "Bearer another-token-of-one" }],
    ["a longer one", { authorization: `Bearer ${metricsToken}x` }],
    ["a shorter one", { authorization: `Bearer ${metricsToken.slice(0, -1)}` }],
    ["no token", { authorization: "Bearer " }],
    ["another scheme", { authorization: `Basic ${metricsToken}` }],
  ])("is refused with %s", async (_, headers) => {
    const refused = await world.call("GET", "/metrics", undefined, headers);
    expectProblem(refused, 401, "invalid_token");
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect(JSON.stringify(refused.body)).not.toContain(metricsToken);
  });

  test("is the text format of Prometheus, each metric with its help and its type", async () => {
    const { headers } = await world.call("GET", "/metrics", undefined, {
      authorization: `bearer ${metricsToken}`,
    });
    expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await scrapeText(world);
    for (const name of parse(text).keys()) {
      const family = name.replace(/\{.*/, "").replace(/_(bucket|sum|count)$/, "");
      expect(text).toMatch(new RegExp(`^# HELP ${family} \\w`, "m"));
      expect(text).toMatch(new RegExp(`^# TYPE ${family} (counter|gauge|histogram)$`, "m"));
      expect(family).toMatch(/^(gemini_coop|process)_[a-z_]+$/);
    }
    for (const [, name = ""] of text.matchAll(/^# TYPE (\S+) counter$/gm)) {
      expect(name).toEndWith("_total");
    }
    const series = parse(text);
    expect(
      series.get(`gemini_coop_build_info{version="${version}",bun_version="${Bun.version}"}`),
    ).toBe(1);
    expect(series.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(series.get("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(series.get("process_start_time_seconds")).toBeLessThanOrEqual(Date.now() / 1000);
  });
});

test("requests are counted by method, pattern and status, and paths that nobody serves as one", async () => {
  const chat = await ann.chat();
  await ann.api("GET", `/api/chats/${chat.id}`);
  await ann.api("GET", `/api/chats/${chat.id}/`);
  await ben.api("GET", `/api/chats/${chat.id}`);
  await ann.api("GET", "/api/chats/9999/messages?limit=no");
  for (const path of ["/nowhere", "/api/nowhere", "/.env", `/${ann.token}`]) {
    await world.call("GET", path);
  }
  await world.call("PUT", "/api/chats");
  const series = await scrape(world);
  const count = (labels: string) =>
    series.get(`gemini_coop_http_request_duration_seconds_count{${labels}}`);
  expect(count('method="GET",route="/api/chats/:chat_id",status="200"')).toBe(2);
  expect(count('method="GET",route="/api/chats/:chat_id",status="404"')).toBe(1);
  expect(count('method="GET",route="/api/chats/:chat_id/messages",status="422"')).toBe(1);
  expect(count('method="GET",route="none",status="404"')).toBe(4);
  expect(count('method="PUT",route="none",status="405"')).toBe(1);
});

test("sockets, joins and frames are counted as they come, go and are closed", async () => {
  const chat = await ann.chat({ with: [ben] });
  const before = await scrape(world);
  const sockets = [await ann.joined(chat.id), await ben.joined(chat.id)];
  const [one, two] = sockets;
  await one?.ask({ type: "message", chat_id: chat.id, content: "Hello!" });
  await two?.next("message", { content: "Hello!" });
  await two?.ask({ type: "typing", chat_id: chat.id });
  await two?.ask({ type: "leave", chat_id: chat.id });
  await one?.ask({ type: "shout", chat_id: chat.id });
  await one?.ask({ type: "join", chat_id: 999_999 });
  const during = await scrape(world);
  expect(grown(before, during)).toEqual({
    gemini_coop_sockets_open: 2,
    gemini_coop_sockets_opened_total: 2,
    gemini_coop_rooms_open: 1,
    gemini_coop_room_listeners: 1,
    gemini_coop_room_joins_total: 2,
    'gemini_coop_frame_duration_seconds_count{type="ping"}': 2,
    'gemini_coop_frame_duration_seconds_count{type="join"}': 3,
    'gemini_coop_frame_duration_seconds_count{type="message"}': 1,
    'gemini_coop_frame_duration_seconds_count{type="typing"}': 1,
    'gemini_coop_frame_duration_seconds_count{type="leave"}': 1,
    'gemini_coop_frame_duration_seconds_count{type="invalid"}': 1,
    'gemini_coop_frames_refused_total{code="invalid"}': 1,
    'gemini_coop_frames_refused_total{code="not_found"}': 1,
    // Presence when the second joins, and when it leaves; the message.
    'gemini_coop_frame_fan_out_sockets_count{topic="chat"}': 3,
    'gemini_coop_frame_fan_out_sockets_count{topic="activity"}': 1,
    // Presence of the second to the first; the message to both; typing to the first; the leave to the first; five acks or
    // joined, two errors, two pongs.
    gemini_coop_frames_sent_total: 1 + 2 + 1 + 1 + 2 + 3 + 2 + 2,
    gemini_coop_commit_group_size_messages_count: 1,
    gemini_coop_commit_wait_seconds_count: 1,
    gemini_coop_commit_duration_seconds_count: 1,
  });

  await one?.close();
  world.ctx.gateway.disconnectSessions([ben.sessionId]);
  await two?.closed;
  const after = await scrapeUntil(world, open, before.get(open) ?? 0);
  expect(grown(during, after)).toEqual({
    gemini_coop_sockets_open: -2,
    gemini_coop_rooms_open: -1,
    gemini_coop_room_listeners: -1,
    'gemini_coop_sockets_closed_total{reason="bye"}': 1,
    'gemini_coop_sockets_closed_total{reason="revoked"}': 1,
  });
});

test("who vanishes, is silent or sends too much is counted as that", async () => {
  const before = await scrape(world);
  const lost = await ann.socket();
  lost.ws.terminate();
  const huge = await ann.socket();
  huge.ws.send("x".repeat(70_000));
  await huge.closed;
  const silent = await ann.socket();
  // A pong would come between two heartbeats, if any time passed.
  world.sockets.heartbeat();
  world.sockets.heartbeat();
  await silent.closed;
  const after = await scrapeUntil(world, open, before.get(open) ?? 0);
  expect(grown(before, after)).toMatchObject({
    'gemini_coop_sockets_closed_total{reason="lost"}': 1,
    'gemini_coop_sockets_closed_total{reason="too_large"}': 1,
    'gemini_coop_sockets_closed_total{reason="dead"}': 1,
  });
});

test("statements are in flight until they have ended, and waiting messages are a queue", async () => {
  const chat = await ann.chat();
  const inFlight = "gemini_coop_database_queries_in_flight";
  const waiting = 'gemini_coop_queue_length{queue="commit"}';
  const before = await scrapeUntil(world, inFlight, 0);
  expect(before.get(waiting)).toBe(0);
  let during = before;
  const said = await world.whileLocked(
    chat.id,
    1,
    () => Promise.all([1, 2, 3].map((n) => ann.say(chat.id, `message ${n}`))),
    async () => {
      during = await scrapeUntil(world, waiting, 2);
    },
  );
  expect(said).toHaveLength(3);
  // The server's own recurring statements may be among them.
  expect(during.get(inFlight)).toBeGreaterThanOrEqual(1);
  const after = await scrapeUntil(world, inFlight, 0);
  expect(after.get(waiting)).toBe(0);
  const sum = "gemini_coop_commit_group_size_messages_sum";
  expect((after.get(sum) ?? 0) - (before.get(sum) ?? 0)).toBe(3);
  expect(
    after.get('gemini_coop_database_query_duration_seconds_count{outcome="ok"}'),
  ).toBeGreaterThan(0);
});

test("reactions that wait for their group are a queue of their own", async () => {
  const chat = await ann.chat();
  const { id } = await ann.say(chat.id, "hello");
  const waiting = 'gemini_coop_queue_length{queue="reactions"}';
  expect((await scrape(world)).get(waiting)).toBe(0);
  const path = (emoji: string) =>
    `/api/chats/${chat.id}/messages/${id}/reactions/${encodeURIComponent(emoji)}`;
  const replies = await world.whileLocked(
    chat.id,
    1,
    () => Promise.all(["👍", "🎉", "🙂"].map((emoji) => ann.api("PUT", path(emoji)))),
    () => scrapeUntil(world, waiting, 2),
  );
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await scrape(world)).get(waiting)).toBe(0);
});

test("answers are counted by how they end, with the model's tokens and its first words", async () => {
  const chat = await ann.chat();
  const socket = await ann.joined(chat.id);
  const before = await scrape(world);
  world.gemini.respondWith(
    answer(
      say("Yes."),
      finish("STOP", {
        promptTokenCount: 100,
        candidatesTokenCount: 5,
        thoughtsTokenCount: 7,
        totalTokenCount: 112,
      }),
    ),
    answerAndHang(say("One moment")),
  );
  await ann.say(chat.id, "/bot really?");
  await socket.next("bot_stream", { is_complete: true });
  await ann.say(chat.id, "/bot help");
  await socket.next("bot_stream", { is_complete: true });
  await ann.say(chat.id, "/bot wait");
  const { message_id } = await socket.next("bot_stream", { chunk: "One moment" });
  const during = await scrape(world);
  expect(during.get("gemini_coop_answers_running")).toBe(1);
  await ann.api("POST", `/api/chats/${chat.id}/messages/${message_id}/stop`);
  const after = await scrape(world);
  const model = `model="${world.config.gemini.model}"`;
  expect(grown(before, after)).toMatchObject({
    'gemini_coop_answers_ended_total{status="complete"}': 2,
    'gemini_coop_answers_ended_total{status="stopped"}': 1,
    [`gemini_coop_answer_first_chunk_seconds_count{${model}}`]: 2,
    [`gemini_coop_answer_duration_seconds_count{${model}}`]: 2,
  });
  const tokens = (kind: string) =>
    during.get(`gemini_coop_model_tokens_total{${model},kind="${kind}"}`);
  expect([tokens("prompt"), tokens("answer"), tokens("thoughts")]).toEqual([100, 5, 7]);
});

test("nothing that anybody wrote, and no name, number or token of theirs, is in a label", async () => {
  const chat = await ann.chat({ name: "Where-secrets-are-told" });
  const socket = await ann.joined(chat.id);
  await socket.ask({ type: "a-type-of-theirs", chat_id: chat.id });
  await socket.ask({ type: "message", chat_id: chat.id, content: "A-thing-they-say" });
  await world.call("GET", `/a-path-of-theirs/${ann.token}?token=${ann.token}`);
  await ann.api("PATCH", `/api/chats/${chat.id}`, { settings: { model: "a-model-of-theirs" } });
  await socket.close();
  const text = await scrapeText(world);
  for (const theirs of ["-theirs", "-secrets-", "-they-", ann.username, ann.token, metricsToken]) {
    expect(text).not.toContain(theirs);
  }
  const labels = [...text.matchAll(/([a-z_]+)="/g)].map(([, label]) => label);
  expect([...new Set(labels)].toSorted()).toEqual(
    ["bun_version", "cause", "code", "kind", "le", "method", "model", "outcome", "queue"].concat([
      "reason",
      "route",
      "status",
      "topic",
      "type",
      "version",
    ]),
  );
});
