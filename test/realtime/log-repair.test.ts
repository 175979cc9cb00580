import { expect, test } from "bun:test";
import { insertParticipant } from "../../src/chats/participant-queries.ts";
import { deleteParticipant } from "../../src/chats/removal-queries.ts";
import { createReadLog } from "../../src/log/replay.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

test("the coming and going of somebody, told to nobody because its reply was lost, is read from the log", async () => {
  const owner = await world.person("owner");
  const guest = await world.person("guest");
  const chat = await owner.chat();
  const socket = await owner.joined(chat.id);

  await insertParticipant(world.sql, owner, chat.id, guest);
  await deleteParticipant(world.sql, owner, chat.id, guest.id);
  await owner.say(chat.id, "Is somebody there?");

  expect(await socket.next("participant_added")).toMatchObject({
    chat_id: chat.id,
    updated_seq: 1,
    participant: { id: guest.id, username: guest.username, role: "member" },
  });
  expect(await socket.next("participant_removed")).toMatchObject({
    updated_seq: 2,
    user_id: guest.id,
  });
  expect(await socket.next("message")).toMatchObject({ seq: 3, content: "Is somebody there?" });
});

test("a message that was changed, told to nobody, is shown anew in its latest state", async () => {
  const owner = await world.person("owner");
  const chat = await owner.chat();
  const socket = await owner.joined(chat.id);
  const { id } = await owner.say(chat.id, "Nevermind");

  await world.sql`
    with numbered as (
      update chats set last_seq = last_seq + 1 where id = ${chat.id} returning id, last_seq
    ), changed as (
      update messages set content = 'Never mind', updated_seq = last_seq
      from numbered where messages.id = ${id}
    )
    insert into chat_changes (chat_id, seq, kind, message_id)
    select id, last_seq, 'message_updated', ${id} from numbered
  `;
  await owner.say(chat.id, "Is somebody there?");

  expect(await socket.next("message_updated")).toMatchObject({
    message_id: id,
    seq: 1,
    updated_seq: 2,
    content: "Never mind",
  });
  expect(await socket.next("message")).toMatchObject({ seq: 3 });
});

test("a reaction to a message that is deleted while the log is read leaves no number out", async () => {
  const owner = await world.person("owner");
  const chat = await owner.chat();
  const { id } = await owner.say(chat.id, "Nevermind");
  const path = `/api/chats/${chat.id}/messages/${id}`;
  await owner.api("PUT", `${path}/reactions/${encodeURIComponent("👍")}`);

  let deletion: Promise<unknown> | undefined;
  const interrupted = new Proxy(world.sql, {
    apply(sql, self, given) {
      const query = Reflect.apply(sql, self, given);
      if (deletion || !String(given[0]).includes("chat_changes")) return query;
      return (async () => {
        const rows = await query;
        deletion = owner.api("DELETE", path);
        await deletion;
        return rows;
      })();
    },
  });
  const { lastSeq, frames } = await createReadLog(interrupted)(chat.id, 0, 10);
  expect(deletion).toBeDefined();
  expect(lastSeq).toBe(2);
  expect([...new Set(frames.map(({ seq }) => seq))].sort()).toEqual([1, 2]);
  const released = new Map(frames.map((frame) => [frame.seq, frame]));
  expect(JSON.parse(released.get(2)?.text ?? "")).toMatchObject({
    type: "message_updated",
    content: "",
    updated_seq: 2,
  });
});
