import { describe, expect, test } from "bun:test";
import { continueDeletions } from "../../src/account-deletion/job.ts";
import { tablesWith } from "../database/texts.ts";
import { useLeavers } from "./use-leavers.ts";

const { world, leaver, deleteMe, untilFinished, history } = useLeavers();

describe("erasing", () => {
  test("leaves none of the person's texts in any table, and tells the rooms in the order of the numbers", async () => {
    const ann = await leaver("quokka");
    const ben = await world.person("ben");
    // A group without a name is named after its people, and keeps that name.
    const chat = await ben.chat({ name: "Room", with: [ann] });
    const left = await ben.chat({ name: "Other room", with: [ann] });
    const path = `/api/chats/${chat.id}/messages`;
    const first = await ann.say(chat.id, "a numbat", "client-numbat");
    await ann.api("PATCH", `${path}/${first.id}`, { content: "another numbat" });
    const second = await ann.say(chat.id, `@${ben.username} a third numbat`);
    const bens = await ben.say(chat.id, "a rude reply");
    await ann.api("POST", `${path}/${bens.id}/report`, { reason: "He hates the numbat." });
    await ben.api("POST", `${path}/${second.id}/report`, { reason: "She said numbat." });
    await ben.api("PUT", `${path}/${second.id}/reactions/%F0%9F%91%8D`);
    await ann.say(left.id, "a numbat in a room that she has left");
    await ann.api("POST", `/api/chats/${left.id}/leave`);
    await world.sql`
      insert into chat_summaries (chat_id, up_to_seq, content) values (${chat.id}, 4, 'Ann likes the numbat.')
    `;
    await world.index();
    const before = await tablesWith(world.sql, "numbat");
    expect(before).toEqual([
      "public.chat_summaries",
      "public.message_reports",
      "public.message_versions",
      "public.messages",
      "public.search_entries",
    ]);
    const socket = await ben.joined(chat.id);
    const { last_seq: lastSeq } = (await ben.api("GET", `/api/chats/${chat.id}`)).body;

    expect((await deleteMe(ann, "erase")).status).toBe(200);
    await untilFinished();
    for (const [index, message] of [first, second].entries()) {
      expect(await socket.next("message_updated", { message_id: message.id })).toMatchObject({
        content: "",
        username: "Deleted user",
        updated_seq: lastSeq + 2 + index,
        mentions: [],
        reactions: [],
      });
    }
    const ids = await tablesWith(world.sql, "numbat");
    // A client id is no text of a person; retries are recognised by it.
    expect(ids).toEqual(["public.messages"]);
    await world.sql`update messages set client_id = null where client_id = 'client-numbat'`;
    expect(await tablesWith(world.sql, "numbat")).toEqual([]);
    expect(await history(ben, left.id)).toMatchObject([{ content: "" }]);
    expect(await history(ben, chat.id)).toMatchObject([
      { content: "" },
      { content: "" },
      { content: "a rude reply" },
    ]);
    // The audit keeps names for AUDIT_DAYS.
    expect(await tablesWith(world.sql, ann.username)).toEqual(["public.audit_events"]);
    await socket.close();
  });

  test("goes on after a server that was killed, on another one, and numbers each message once", async () => {
    const ann = await leaver();
    const ben = await world.person("ben");
    const chat = await ben.chat({ with: [ann] });
    const count = 450;
    await world.sql`
      insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
      select ${chat.id}, ${ann.id}, 'text ' || n, ${chat.last_seq} + n, ${chat.last_seq} + n, n
      from generate_series(1, ${count}) n
    `;
    await world.sql`
      update chats set last_seq = last_seq + ${count}, message_count = ${count} where id = ${chat.id}
    `;
    await deleteMe(ann, "erase");
    // Several servers each do a part, and so does one whose statements were cut off.
    await Promise.all([1, 2, 3].map(() => continueDeletions(world.ctx).catch(() => undefined)));
    await world.sql`update account_deletions set next_id = 0 where user_id = ${ann.id}`;
    await untilFinished();
    const rows = await world.sql`
      select count(*) filter (where deleted_at is not null and content = '') as erased,
        count(distinct updated_seq) as numbers, max(updated_seq) as last
      from messages where chat_id = ${chat.id}
    `;
    const last = chat.last_seq + count + 1 + count;
    expect(rows[0]).toMatchObject({ erased: count, numbers: count, last });
    const [state] = await world.sql`
      select last_seq, (select count(*) from chat_changes where chat_id = ${chat.id}) as changes
      from chats where id = ${chat.id}
    `;
    expect(state).toMatchObject({ last_seq: last, changes: count + 1 });
  });

  test("skips a message that somebody deletes at the same time, without a gap in the numbers", async () => {
    const ann = await leaver();
    const ben = await world.person("ben");
    const chat = await ben.chat({ with: [ann] });
    const messages: { id: number }[] = [];
    for (const n of [1, 2, 3]) messages.push(await ann.say(chat.id, `text ${n}`));
    await deleteMe(ann, "erase");
    await continueDeletions(world.ctx);
    await world.whileLocked(
      chat.id,
      1,
      () => continueDeletions(world.ctx),
      async (transaction) => {
        await transaction`
          update messages set content = '', deleted_at = now(), updated_seq = 5, content_seq = 5
          where id = ${messages[1]?.id ?? 0}
        `;
        await transaction`
          insert into chat_changes (chat_id, seq, kind, message_id)
          values (${chat.id}, 5, 'message_updated', ${messages[1]?.id ?? 0})
        `;
        await transaction`update chats set last_seq = 5 where id = ${chat.id}`;
      },
    );
    await untilFinished();
    const rows = await world.sql`
      select updated_seq from messages where chat_id = ${chat.id} order by updated_seq
    `;
    expect(rows.map((row) => Number(row.updated_seq))).toEqual([5, 6, 7]);
    expect((await ben.api("GET", `/api/chats/${chat.id}`)).body.last_seq).toBe(7);
  });
});
