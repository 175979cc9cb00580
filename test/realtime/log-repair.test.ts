import { expect, test } from "bun:test";
import { deleteParticipant, insertParticipant } from "../../src/chats/participant-queries.ts";
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
