// Mentions: who is mentioned, and who is told of it.
import { beforeAll, describe, expect, test } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import { everyoneMax } from "../../src/wire/mentions.ts";
import { expectProblem } from "../http/refusals.ts";
import { Person } from "../world/person.ts";
import { useWorld } from "../world/world.ts";
import { mentionCount } from "./mention-count.ts";

const world = useWorld({ env: { RATE_LIMITS: "memory" } });
let ann: Person;
let ben: Person;
let cleo: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  cleo = await world.person("cleo");
});

/** Fills a group up to a number of people. */
async function fill(chatId: number, count: number) {
  await world.sql`
    with people as (
      insert into users (username, email, hashed_password)
      select 'filler' || ${count} || '_' || n, 'filler' || ${count} || '_' || n || '@example.com', 'x'
      from generate_series(1, ${count} - (select participant_count from chats where id = ${chatId})) n
      returning id
    ),
    added as (
      insert into chat_participants (chat_id, user_id) select ${chatId}, id from people
    )
    update chats set participant_count = ${count} where id = ${chatId}
  `;
}

describe("who is mentioned", () => {
  test("is a participant, whatever the case, in the order of the text, once, and in what the room is shown", async () => {
    const chat = await ann.chat({ with: [ben, cleo] });
    const socket = await ben.joined(chat.id);
    const content = `@${cleo.username.toUpperCase()}, @${ben.username}. and @${cleo.username}`;
    const message = await ann.say(chat.id, content);
    expect(message.mentions).toEqual([cleo.id, ben.id]);
    expect(await socket.next("message")).toMatchObject({ mentions: [cleo.id, ben.id] });
    const { body: history } = await ben.api("GET", `/api/chats/${chat.id}/messages`);
    expect(history).toEqual([message]);
    const again = await ben.joined(chat.id, 0);
    expect(again.ofType("message")).toMatchObject([{ mentions: [cleo.id, ben.id] }]);
    await Promise.all([socket.close(), again.close()]);
  });

  test("is neither the author, nor somebody who is not in the chat, nor a name in code", async () => {
    const stranger = await world.person("stranger");
    const chat = await ann.chat({ with: [ben] });
    const texts = [
      `@${ann.username}`,
      `@${stranger.username}`,
      `@nobody_has_this_name`,
      `\`@${ben.username}\``,
      `x@${ben.username}`,
    ];
    const replies = await Promise.all(texts.map((text) => ann.say(chat.id, text)));
    expect(replies.map(({ mentions }) => mentions)).toEqual(texts.map(() => []));
    const { mentions, ...unknown } = await ann.say(chat.id, "@nobody_has_this_name");
    const { mentions: none, ...outside } = await ann.say(chat.id, `@${stranger.username}`);
    expect([mentions, none]).toEqual([[], []]);
    expect(Object.keys(outside)).toEqual(Object.keys(unknown));
    expect(await mentionCount(ben, chat.id)).toBe(0);
  });

  test("is the person with the longest name that fits", async () => {
    const short = await Person.insert(world, `${ben.username}x`);
    const dotted = await Person.insert(world, `${ben.username}x.`);
    const chat = await ann.chat({ with: [short, dotted] });
    const say = async (text: string) => (await ann.say(chat.id, text)).mentions;
    expect(await say(`@${dotted.username}`)).toEqual([dotted.id]);
    expect(await say(`@${dotted.username}.`)).toEqual([dotted.id]);
    expect(await say(`@${short.username}`)).toEqual([short.id]);
    expect(await say(`@${short.username}, @${short.username}_`)).toEqual([short.id]);
    expect(await say(`@${short.username}.com`)).toEqual([]);
  });

  test("is nobody for a sender who is not in the chat, and the refusal says nothing of it", async () => {
    const chat = await ann.chat({ with: [ben] });
    const send = (content: string) =>
      cleo.api("POST", `/api/chats/${chat.id}/messages`, { content });
    const answer = await send(`@${ben.username} hi`);
    expectProblem(answer, 404, "not_found");
    expect(answer.body).toEqual((await send("hi")).body);
    expect(await mentionCount(ben, chat.id)).toBe(0);
  });

  test("is each of the people of messages that are stored together", async () => {
    const chats = [await ann.chat({ with: [ben, cleo] }), await ann.chat({ with: [ben, cleo] })];
    const [held] = chats;
    if (!held) throw new Error("no chat");
    const texts = [`@${ben.username}`, "nobody", `@${cleo.username} @${ben.username}`, "@all"];
    const sent = await world.whileLocked(held.id, 1, () =>
      Promise.all(
        chats.flatMap((chat) =>
          texts.map(async (text) => {
            const message = await ben.say(chat.id, text);
            return [message.content, message.mentions, message.chat_id];
          }),
        ),
      ),
    );
    for (const { id } of chats) {
      expect(sent.filter(([, , chatId]) => chatId === id)).toEqual([
        [texts[0], [], id],
        [texts[1], [], id],
        [texts[2], [cleo.id], id],
        [texts[3], [ann.id, cleo.id], id],
      ]);
      expect(await mentionCount(cleo, id)).toBe(2);
      expect(await mentionCount(ann, id)).toBe(1);
      expect(await mentionCount(ben, id)).toBe(0);
    }
  });
});

describe("@all", () => {
  test("mentions everybody else in a group, and nobody in a private chat", async () => {
    const group = await ann.chat({ with: [ben, cleo] });
    const everybody = [ann.id, cleo.id];
    expect((await ben.say(group.id, `@ALL! and @${cleo.username}`)).mentions).toEqual(everybody);
    const pair = await ann.chat({ with: [ben], is_group: false });
    expect((await ann.say(pair.id, "@all")).mentions).toEqual([]);
  });

  test("is for the owner only in a large group, and limited there", async () => {
    const chat = await ann.chat({ with: [ben, cleo] });
    await fill(chat.id, everyoneMax);
    expect((await ben.say(chat.id, "@all")).mentions).toHaveLength(everyoneMax - 1);
    await fill(chat.id, everyoneMax + 1);
    expect((await ben.say(chat.id, `@all @${cleo.username}`)).mentions).toEqual([cleo.id]);
    const { person } = rates.largeMentions;
    await world.ctx.rateLimits.take("largeMentions", { userId: ann.id }, person.quota - 1);
    const sent = await ann.say(chat.id, "@all", "the last one");
    expect(sent.mentions).toHaveLength(everyoneMax);
    const path = `/api/chats/${chat.id}/messages`;
    expectProblem(await ann.api("POST", path, { content: "@all" }), 429, "rate_limited");
    expect(await ann.say(chat.id, "@all", "the last one")).toEqual(sent);
    expect((await ann.say(chat.id, `@${ben.username}`)).mentions).toEqual([ben.id]);
  });

  test("mentions an older account of that name where it does not mention everybody", async () => {
    const all = await Person.insert(world, "All");
    const pair = await ann.chat({ with: [all], is_group: false });
    expect((await ann.say(pair.id, "@all")).mentions).toEqual([all.id]);
    const group = await ann.chat({ with: [all, ben] });
    expect((await ann.say(group.id, "@all")).mentions).toEqual([ben.id, all.id].toSorted());
  });

  test.each(["all", "All.", "gemini-"])("cannot be registered as the username %s", async (name) => {
    const body = { username: name, email: "reserved@example.com", password: "correct horse" };
    expectProblem(await world.call("POST", "/api/auth/register", body), 409, "username_taken");
  });
});

describe("a mentioned person", () => {
  test("is told on every socket, joined or not, after the message; others and the author are not", async () => {
    const chat = await ann.chat({ with: [ben, cleo] });
    const [joined, unjoined, own, others] = await Promise.all([
      ben.joined(chat.id),
      ben.socket(),
      ann.joined(chat.id),
      cleo.joined(chat.id),
    ]);
    const text = `@${ben.username} ${"x".repeat(300)}`;
    const { id, seq } = await ann.say(chat.id, text);
    const frame = {
      type: "mention",
      chat_id: chat.id,
      message_id: id,
      seq,
      username: ann.username,
      preview: text.slice(0, 200),
    };
    expect(await joined.next("mention")).toEqual(frame);
    expect(await unjoined.next("mention")).toEqual(frame);
    const types = joined.frames.map(({ type }) => type);
    expect(types.indexOf("message")).toBeLessThan(types.indexOf("mention"));
    for (const socket of [own, others]) {
      await socket.settle();
      expect(socket.ofType("mention")).toEqual([]);
    }
    // The sockets still follow the chat.
    await ann.say(chat.id, "more");
    await unjoined.next("chat_activity", { last_message: "more" });
    await Promise.all([joined, unjoined, own, others].map((socket) => socket.close()));
  });

  test("is told in the merged form of sockets, too", async () => {
    const chat = await ann.chat({ with: [ben] });
    const socket = await ben.socket({ isMerged: true });
    await ann.say(chat.id, `@${ben.username}`);
    expect(await socket.next("mention")).toMatchObject({ chat_id: chat.id, seq: 1 });
    if (socket.ofType("message").length === 0) await socket.next("message");
    expect(socket.ofType("message")).toHaveLength(1);
    await socket.close();
  });

  test("is told once of a message that is sent again, and not of one that is refused", async () => {
    const chat = await ann.chat({ with: [ben] });
    const socket = await ben.socket();
    const text = `@${ben.username} once`;
    const first = await ann.say(chat.id, text, "c1");
    expect(await ann.say(chat.id, text, "c1")).toEqual(first);
    const other = { content: `@${ben.username} twice`, client_id: "c1" };
    const refused = await ann.api("POST", `/api/chats/${chat.id}/messages`, other);
    expectProblem(refused, 409, "client_id_reused");
    await socket.settle();
    expect(socket.ofType("mention")).toHaveLength(1);
    expect(await mentionCount(ben, chat.id)).toBe(1);
    await socket.close();
  });

  test("is not told of what waited for the chat while they were removed from it", async () => {
    const [dan, eve] = [await world.person("dan"), await world.person("eve")];
    const chat = await ann.chat({ with: [dan, eve] });
    const socket = await dan.socket();
    const message = await world.whileLocked(
      chat.id,
      1,
      () => ann.say(chat.id, `@${dan.username} @${eve.username}`),
      async (sql) => {
        await sql`delete from chat_participants where chat_id = ${chat.id} and user_id = ${dan.id}`;
      },
    );
    expect(message.mentions).toEqual([eve.id]);
    await socket.settle();
    expect(socket.ofType("mention")).toEqual([]);
    await socket.close();
  });
});
