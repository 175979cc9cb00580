import { beforeAll, describe, expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";

const world = useWorld();
let owner: Person;
let mona: Person;
let mo: Person;
let ben: Person;
beforeAll(async () => {
  owner = await world.person("owner");
  mona = await world.person("mona");
  mo = await world.person("mo");
  ben = await world.person("ben");
});

const setRole = (by: Person, chatId: number, userId: unknown, role: unknown = "moderator") =>
  by.api("PATCH", `/api/chats/${chatId}/participants/${userId}`, { role });
const remove = (by: Person, chatId: number, userId: number) =>
  by.api("DELETE", `/api/chats/${chatId}/participants/${userId}`);
const roles = async (by: Person, chatId: number) => {
  const { body } = await by.api("GET", `/api/chats/${chatId}/participants`);
  return Object.fromEntries(
    body.map((person: { id: number; role: string }) => [person.id, person.role]),
  );
};
async function moderated() {
  const chat = await owner.chat({ with: [mona, mo, ben] });
  for (const { id } of [mona, mo]) expect((await setRole(owner, chat.id, id)).status).toBe(200);
  return chat;
}

describe("a role", () => {
  test("is given by the owner, takes the chat's next number, and is told to the room", async () => {
    const chat = await owner.chat({ with: [mona, ben] });
    const socket = await ben.joined(chat.id);
    const { status, body } = await setRole(owner, chat.id, mona.id);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: mona.id, username: mona.username, role: "moderator" });
    const frame = await socket.next("participant_updated");
    expect(frame).toEqual({
      type: "participant_updated",
      chat_id: chat.id,
      participant: body,
      updated_seq: chat.last_seq + 1,
    });
    expect(await roles(ben, chat.id)).toEqual({
      [owner.id]: "owner",
      [mona.id]: "moderator",
      [ben.id]: "member",
    });
    expect((await setRole(owner, chat.id, mona.id, "member")).body.role).toBe("member");
    expect(await socket.next("participant_updated", { updated_seq: chat.last_seq + 2 }));
    await socket.close();
  });

  test("that the person has already takes no number", async () => {
    const chat = await moderated();
    const before = (await ben.api("GET", `/api/chats/${chat.id}`)).body.last_seq;
    expect((await setRole(owner, chat.id, mona.id)).status).toBe(200);
    expect((await setRole(owner, chat.id, ben.id, "member")).status).toBe(200);
    expect((await ben.api("GET", `/api/chats/${chat.id}`)).body.last_seq).toBe(before);
  });

  test("is in the replay's participants", async () => {
    const chat = await owner.chat({ with: [mona] });
    await setRole(owner, chat.id, mona.id);
    const socket = await mona.socket();
    socket.send({ type: "join", chat_id: chat.id, after_seq: chat.last_seq });
    const { participants } = await socket.next("joined");
    expect(participants).toMatchObject([{ role: "owner" }, { id: mona.id, role: "moderator" }]);
    await socket.close();
  });

  test("is given neither by a moderator nor to the owner, a stranger or a role that is none", async () => {
    const chat = await moderated();
    expectProblem(await setRole(mona, chat.id, ben.id), 403, "forbidden");
    expectProblem(await setRole(mona, chat.id, mona.id, "member"), 403, "forbidden");
    expectInvalid(await setRole(owner, chat.id, owner.id), "/user_id");
    for (const role of ["owner", "Moderator", "", null, 1]) {
      expectInvalid(await setRole(owner, chat.id, ben.id, role), "/role");
    }
    const stranger = await world.person("stranger");
    expectProblem(await setRole(owner, chat.id, stranger.id), 404, "not_found");
  });

  test("ends with the participation, and with the ownership of somebody who hands the chat over", async () => {
    const chat = await moderated();
    await remove(owner, chat.id, mona.id);
    await owner.api("POST", `/api/chats/${chat.id}/invite`, { username: mona.username });
    expect((await roles(ben, chat.id))[mona.id]).toBe("member");
    await owner.api("PATCH", `/api/chats/${chat.id}`, { owner_id: mo.id });
    expect(await roles(ben, chat.id)).toMatchObject({ [owner.id]: "member", [mo.id]: "owner" });
    await mo.api("PATCH", `/api/chats/${chat.id}`, { owner_id: owner.id });
    expect(await roles(ben, chat.id)).toMatchObject({ [owner.id]: "owner", [mo.id]: "member" });
  });
});

describe("a moderator", () => {
  test("removes members, but neither the owner nor moderators, nor people who are not there", async () => {
    const chat = await moderated();
    const socket = await ben.joined(chat.id);
    expectProblem(await remove(mona, chat.id, owner.id), 403, "forbidden");
    expectProblem(await remove(mona, chat.id, mo.id), 403, "forbidden");
    expectProblem(await remove(mona, chat.id, mona.id), 403, "forbidden");
    expectProblem(await remove(ben, chat.id, mona.id), 403, "forbidden");
    expect((await remove(mona, chat.id, ben.id)).status).toBe(200);
    await socket.next("participant_removed", { user_id: ben.id });
    expectProblem(await remove(mona, chat.id, ben.id), 404, "not_found");
    expect((await remove(owner, chat.id, mo.id)).status).toBe(200);
    await socket.close();
  });

  test("deletes messages of members and moderators, but not the owner's, and edits none", async () => {
    const chat = await moderated();
    const path = ({ id }: { id: number }) => `/api/chats/${chat.id}/messages/${id}`;
    const owners = await owner.say(chat.id, "mine");
    const bens = await ben.say(chat.id, "rude");
    const mos = await mo.say(chat.id, "ruder");
    const socket = await ben.joined(chat.id);
    expectProblem(await mona.api("DELETE", path(owners)), 403, "forbidden");
    expectProblem(await mona.api("PATCH", path(bens), { content: "polite" }), 403, "forbidden");
    for (const message of [bens, mos]) {
      expect((await mona.api("DELETE", path(message))).body.content).toBe("");
      await socket.next("message_updated", { message_id: message.id, content: "" });
    }
    const rows = await world.sql`
      select actor_id, details from audit_events
      where action = 'delete_message' and outcome = 'ok' and target = ${`chat:${chat.id}`} order by id
    `;
    expect(rows).toMatchObject([
      { actor_id: mona.id, details: { message_id: bens.id, user_id: ben.id } },
      { actor_id: mona.id, details: { message_id: mos.id, user_id: mo.id } },
    ]);
    await socket.close();
  });

  test("who loses the role while a removal of theirs waits removes nobody", async () => {
    const chat = await moderated();
    const answer = await world.whileLocked(
      chat.id,
      1,
      () => remove(mona, chat.id, ben.id),
      (transaction) => transaction`
        update chat_participants set role = 'member' where chat_id = ${chat.id} and user_id = ${mona.id}
      `,
    );
    expectProblem(answer, 403, "forbidden");
    expect((await roles(owner, chat.id))[ben.id]).toBe("member");
  });

  test("cannot remove somebody who becomes a moderator while the removal waits", async () => {
    const chat = await moderated();
    const answer = await world.whileLocked(
      chat.id,
      1,
      () => remove(mona, chat.id, ben.id),
      (transaction) => transaction`
        update chat_participants set role = 'moderator' where chat_id = ${chat.id} and user_id = ${ben.id}
      `,
    );
    expect(answer.status).not.toBe(200);
    expect((await roles(owner, chat.id))[ben.id]).toBe("moderator");
  });
});
