import { beforeAll, describe, expect, test } from "bun:test";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import type { Person } from "../world/world.ts";
import { useIncomingWebhooks } from "./use-incoming-webhooks.ts";

const { world, newHook, postRaw, post, given } = useIncomingWebhooks();
let ann: Person;
let ben: Person;
let chatId: number;
beforeAll(() => {
  ({ ann, ben, chatId } = given());
});

/** The content of the message that came of a body. */
async function contentOf(path: string, body: unknown): Promise<string> {
  const { status, body: posted } = await post(path, body);
  expect({ status, body: posted }).toMatchObject({ status: 200, body: { ok: true } });
  const { body: message } = await ann.api(
    "GET",
    `/api/chats/${chatId}/messages/${posted.message_id}`,
  );
  return message.content;
}

describe("a message by an incoming webhook", () => {
  test("is shown live and in the history, by an account that is marked and is no participant", async () => {
    const chat = await ann.chat({ with: [ben] });
    const hook = await newHook(ann, chat.id);
    const socket = await ben.joined(chat.id);
    const { body: posted } = await post(hook.path, { text: "Build 512 has passed." });
    const frame = await socket.next("message");
    expect(frame).toMatchObject({
      message_id: posted.message_id,
      seq: posted.seq,
      user_id: hook.user_id,
      username: hook.username,
      content: "Build 512 has passed.",
      is_bot: false,
    });
    const { body: profile } = await ben.api("GET", `/api/users/${hook.user_id}`);
    expect(profile).toMatchObject({ display_name: "Build results", is_bot_account: true });
    const { body: people } = await ben.api("GET", `/api/chats/${chat.id}/participants`);
    expect(people.map(({ id }: { id: number }) => id).toSorted()).toEqual([ann.id, ben.id]);
    const { body: list } = await ben.api("GET", "/api/chats");
    expect(list[0]).toMatchObject({ id: chat.id, unread_count: 1 });
    await socket.close();
  });

  test("asks the model nothing, not in an AI chat either", async () => {
    const aiChat = await ann.chat({ is_ai_chat: true });
    for (const chat of [chatId, aiChat.id]) {
      const hook = await newHook(ann, chat);
      for (const text of ["/bot Why?", "@Gemini why?", "/image a cat", "plain"]) {
        expect((await post(hook.path, { text })).status).toBe(200);
      }
    }
    const runs = await world.sql`
      select from answer_runs where chat_id in (${chatId}, ${aiChat.id})
    `;
    expect([...runs]).toEqual([]);
    expect(world.gemini.requests).toHaveLength(0);
  });

  test("mentions people of the chat, and not everybody", async () => {
    const outsider = await world.person("outsider");
    const hook = await newHook(ann, chatId);
    const { body: posted } = await post(hook.path, {
      text: `@all @${ben.username} and @${outsider.username}: it is red. <!channel>`,
    });
    const path = `/api/chats/${chatId}/messages/${posted.message_id}`;
    expect((await ann.api("GET", path)).body.mentions).toEqual([ben.id]);
  });

  test("tells nobody of a mention who has blocked the person that created the webhook", async () => {
    const cara = await world.person("cara");
    const chat = await ann.chat({ with: [ben, cara] });
    const hook = await newHook(ann, chat.id);
    await cara.api("PUT", `/api/users/${ann.id}/block`);
    const [told, spared] = [await ben.joined(chat.id), await cara.joined(chat.id)];
    await post(hook.path, { text: `@${ben.username} and @${cara.username}` });
    await told.next("mention");
    await spared.next("message");
    await spared.settle();
    expect(spared.frames.filter(({ type }) => type === "mention")).toEqual([]);
    const { body: list } = await cara.api("GET", "/api/chats");
    expect(list).toMatchObject([{ id: chat.id, mention_count: 0 }]);
    await Promise.all([told.close(), spared.close()]);
  });

  test("with the same Idempotency-Key is stored once, and another text with it is refused", async () => {
    const hook = await newHook(ann, chatId);
    const key = { "idempotency-key": "build-512" };
    const first = await post(hook.path, { text: "once" }, key);
    const second = await post(hook.path, { text: "once" }, key);
    expect(second.body).toEqual(first.body);
    expectProblem(await post(hook.path, { text: "twice" }, key), 409, "client_id_reused");
    const other = await newHook(ann, chatId);
    const third = await post(other.path, { text: "once" }, key);
    expect(third.body.message_id).not.toBe(first.body.message_id);
  });

  test("is in exports, and is the owner's to delete", async () => {
    const hook = await newHook(ann, chatId, "Export me");
    const { body: posted } = await post(hook.path, { text: "exported" });
    const path = `/api/chats/${chatId}/messages/${posted.message_id}`;
    const response = await fetch(new URL(`/api/chats/${chatId}/export?format=jsonl`, world.url), {
      headers: { authorization: `Bearer ${ben.token}` },
    });
    expect(await response.text()).toContain(hook.username);
    expectProblem(await ben.api("PATCH", path, { content: "mine" }), 403, "forbidden");
    expect((await ann.api("DELETE", path)).status).toBe(200);
  });
});

describe("a body", () => {
  test("in the forms of Slack's senders is read as their text", async () => {
    const { path } = await newHook(ann, chatId);
    expect(
      await contentOf(path, { text: "a &lt;b&gt; &amp;lt;", username: "x", icon_emoji: ":x:" }),
    ).toBe("a <b> &lt;");
    expect(
      await contentOf(path, { text: "<https://a.example/1|Build 5> <https://b.example>" }),
    ).toBe("[Build 5](https://a.example/1) https://b.example");
    const attachments = [
      { pretext: "New", title: "Pull request", text: "It is green.", fallback: "unused" },
      { fallback: "only a fallback", fields: [{ title: "x" }] },
    ];
    expect(await contentOf(path, { attachments })).toBe(
      "New\nPull request\nIt is green.\nonly a fallback",
    );
    expect(await contentOf(path, { text: "Above", attachments })).toStartWith("Above\nNew\n");
    const blocks = [
      {
        type: "section",
        text: { type: "mrkdwn", text: "*Deployed*" },
        fields: [{ text: "to eu" }],
      },
      { type: "divider" },
      { type: "context", elements: [{ type: "image" }, { type: "plain_text", text: "by ann" }] },
      {
        type: "rich_text",
        elements: [{ elements: [{ text: "rich" }, { text: "text" }] }, 5, null],
      },
    ];
    expect(await contentOf(path, { blocks })).toBe("*Deployed*\nto eu\nby ann\nrich text");
    expect(await contentOf(path, { text: "instead of blocks", blocks })).toBe("instead of blocks");
  });

  test("of a form has its JSON in payload", async () => {
    const { path } = await newHook(ann, chatId);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const payload = new URLSearchParams({ payload: JSON.stringify({ text: "Grüße & mehr" }) });
    const { status, body } = await postRaw(path, String(payload), form);
    expect(status).toBe(200);
    const { body: sent } = await ann.api("GET", `/api/chats/${chatId}/messages/${body.message_id}`);
    expect(sent.content).toBe("Grüße & mehr");
    expectProblem(await postRaw(path, "text=hello", form), 400, "not_json");
    expectProblem(await postRaw(path, "payload=%7B", form), 400, "not_json");
  });

  test("without text, too long, or of another kind is refused and stores nothing", async () => {
    const chat = await ann.chat();
    const { path } = await newHook(ann, chat.id);
    const json = { "content-type": "application/json" };
    for (const body of [{}, { text: " " }, { text: null, blocks: [{ type: "divider" }] }]) {
      expectInvalid(await post(path, body), "/text");
    }
    expectInvalid(await post(path, { text: "x".repeat(16_001) }), "/text");
    expectInvalid(await post(path, { text: "a\u0000b" }), "/text");
    expectInvalid(await post(path, { text: 5 }), "/text");
    expectInvalid(await post(path, [1]), "");
    expectProblem(await postRaw(path, "{", json), 400, "not_json");
    expectProblem(await postRaw(path, "x".repeat(300_000), json), 413, "too_large");
    expectProblem(
      await postRaw(path, "hello", { "content-type": "text/plain" }),
      415,
      "unsupported_media_type",
    );
    const deep = `{"blocks":${`[{"elements":`.repeat(5_000)}[]${"}]".repeat(5_000)}}`;
    expectInvalid(await postRaw(path, deep, json), "/text");
    expect((await ann.api("GET", `/api/chats/${chat.id}`)).body.last_seq).toBe(chat.last_seq);
  });
});
