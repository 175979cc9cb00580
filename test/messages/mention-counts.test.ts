// Mentions that an edit adds or takes away, and how many of them are not read.
import { beforeAll, describe, expect, test } from "bun:test";
import { mentionCountMax } from "../../src/wire/chats.ts";
import { expectInvalid } from "../http/refusals.ts";
import type { Person } from "../world/person.ts";
import { useWorld } from "../world/world.ts";
import { mentionCount } from "./mention-count.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let cleo: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  cleo = await world.person("cleo");
});

describe("an edit", () => {
  const edit = (chatId: number, id: number, content: string) =>
    ann.api("PATCH", `/api/chats/${chatId}/messages/${id}`, { content });

  test("changes who is mentioned, and tells only those who were not mentioned before", async () => {
    const chat = await ann.chat({ with: [ben, cleo] });
    const [bens, cleos] = [await ben.joined(chat.id), await cleo.socket()];
    const { id, seq } = await ann.say(chat.id, `@${ben.username}`);
    await bens.next("mention");
    const added = await edit(chat.id, id, `@${cleo.username} and @${ben.username}`);
    expect(added.body.mentions).toEqual([cleo.id, ben.id]);
    expect(await cleos.next("mention")).toEqual({
      type: "mention",
      chat_id: chat.id,
      message_id: id,
      seq,
      username: ann.username,
      preview: `@${cleo.username} and @${ben.username}`,
    });
    const counts = async () => [
      await mentionCount(ben, chat.id),
      await mentionCount(cleo, chat.id),
    ];
    expect(await counts()).toEqual([1, 1]);
    const removed = await edit(chat.id, id, `\`@${ben.username}\` @${cleo.username}`);
    expect(removed.body.mentions).toEqual([cleo.id]);
    expect(await counts()).toEqual([0, 1]);
    expect((await edit(chat.id, id, "nobody")).body.mentions).toEqual([]);
    expect(await counts()).toEqual([0, 0]);
    await Promise.all([bens.settle(), cleos.settle()]);
    expect(bens.ofType("mention")).toHaveLength(1);
    expect(cleos.ofType("mention")).toHaveLength(1);
    expect(bens.ofType("message_updated").map(({ mentions }) => mentions)).toEqual([
      [cleo.id, ben.id],
      [cleo.id],
      [],
    ]);
    expect(await world.sql`select from message_mentions where chat_id = ${chat.id}`).toHaveLength(
      0,
    );
    await Promise.all([bens.close(), cleos.close()]);
  });

  test("of a message that was read already tells of a new mention, and counts nothing", async () => {
    const chat = await ann.chat({ with: [ben] });
    const { id } = await ann.say(chat.id, "hi");
    await ben.api("POST", `/api/chats/${chat.id}/mark-read`, {});
    const socket = await ben.socket();
    await edit(chat.id, id, `hi @${ben.username}`);
    await socket.next("mention", { message_id: id });
    expect(await mentionCount(ben, chat.id)).toBe(0);
    await socket.close();
  });

  test("that mentions the model asks nothing, and one that only calls it is refused", async () => {
    const chat = await ann.chat({ with: [ben] });
    const requests = world.gemini.requests.length;
    const { id } = await ann.say(chat.id, "why?");
    expect((await edit(chat.id, id, "@Gemini why?")).status).toBe(200);
    expectInvalid(await edit(chat.id, id, "@Gemini"), "/content");
    expect(world.gemini.requests.length).toBe(requests);
    expect((await ann.api("GET", `/api/chats/${chat.id}`)).body.last_seq).toBe(2);
  });

  test("that waits for the chat does not mention a person who is removed meanwhile", async () => {
    const [dan, eve] = [await world.person("dan"), await world.person("eve")];
    const chat = await ann.chat({ with: [dan, eve] });
    const { id } = await ann.say(chat.id, "hi");
    const socket = await dan.socket();
    const { body } = await world.whileLocked(
      chat.id,
      1,
      () => edit(chat.id, id, `@${dan.username} @${eve.username}`),
      async (sql) => {
        await sql`delete from chat_participants where chat_id = ${chat.id} and user_id = ${dan.id}`;
      },
    );
    expect(body.mentions).toEqual([eve.id]);
    await socket.settle();
    expect(socket.ofType("mention")).toEqual([]);
    await socket.close();
  });
});

describe("mention_count", () => {
  test("has the mentions above the read position, and they are not kept below it", async () => {
    const chat = await ann.chat({ with: [ben] });
    for (const text of ["1", "2", "no", "4"]) {
      await ann.say(chat.id, text === "no" ? text : `@${ben.username} ${text}`);
    }
    expect(await mentionCount(ben, chat.id)).toBe(3);
    expect(await mentionCount(ann, chat.id)).toBe(0);
    const read = (seq?: number) => ben.api("POST", `/api/chats/${chat.id}/mark-read`, { seq });
    await read(2);
    expect(await mentionCount(ben, chat.id)).toBe(1);
    await read(1);
    expect(await mentionCount(ben, chat.id)).toBe(1);
    await read();
    expect(await mentionCount(ben, chat.id)).toBe(0);
    expect(await world.sql`select from message_mentions where chat_id = ${chat.id}`).toHaveLength(
      0,
    );
  });

  test("does not have what was written before a person came back", async () => {
    const chat = await ann.chat({ with: [ben] });
    await ann.say(chat.id, `@${ben.username}`);
    await ben.api("POST", `/api/chats/${chat.id}/leave`);
    await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: ben.username });
    expect(await mentionCount(ben, chat.id)).toBe(0);
    await ann.say(chat.id, `@${ben.username}, again`);
    expect(await mentionCount(ben, chat.id)).toBe(1);
  });

  test("does not have those of a deleted message, and no row of them stays", async () => {
    const chat = await ann.chat({ with: [ben, cleo] });
    const { id } = await ann.say(chat.id, "@all");
    await ann.say(chat.id, `@${ben.username}`);
    expect(await mentionCount(ben, chat.id)).toBe(2);
    await ann.api("DELETE", `/api/chats/${chat.id}/messages/${id}`);
    expect(await mentionCount(ben, chat.id)).toBe(1);
    expect(await mentionCount(cleo, chat.id)).toBe(0);
    expect(await world.sql`select from message_mentions where chat_id = ${chat.id}`).toHaveLength(
      1,
    );
  });

  test(`counts up to ${mentionCountMax}`, async () => {
    const chat = await ann.chat({ with: [ben] });
    await world.sql`
      insert into message_mentions (user_id, chat_id, seq, message_id)
      select ${ben.id}, ${chat.id}, n, n from generate_series(1, ${mentionCountMax + 1}) n
    `;
    expect(await mentionCount(ben, chat.id)).toBe(mentionCountMax);
    await ann.api("DELETE", `/api/chats/${chat.id}`);
    expect(await world.sql`select from message_mentions where chat_id = ${chat.id}`).toHaveLength(
      0,
    );
  });
});
